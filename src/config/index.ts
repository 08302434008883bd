export { formatConfigDocs } from './config-docs.ts'
export {
  type ConfigInput,
  type ConfigKey,
  isConfigKey,
  type ResolvedConfig,
  type ResolvedKey,
} from './config-keys.ts'
export type { ConfigLayer } from './config-layer.ts'
export type { ConfigKind, ConfigUnit, ConfigValue } from './config-row.ts'
export { type ConfigKeyDescription, describeConfigKeys } from './describe-config.ts'
export { formatConfigValue, overlayConfigUpdate, planConfigUpdate } from './plan-config-update.ts'
export { type ConfigResolution, resolveConfig } from './resolve-config.ts'
