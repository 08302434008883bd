/** A column of a table. */
export interface Column {
  readonly title: string
  readonly align: 'left' | 'right'
}

/** Sets rows under their titles, two blanks apart, without blanks at the ends of lines. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const cells = [columns.map(({ title }) => title), ...rows]
  const widths = columns.map((_, slot) =>
    cells.reduce((width, row) => Math.max(width, row[slot]?.length ?? 0), 0),
  )
  return cells.map((row) =>
    columns
      .map(({ align }, slot) => {
        const [text, width] = [row[slot] ?? '', widths[slot] ?? 0]
        return align === 'right' ? text.padStart(width) : text.padEnd(width)
      })
      .join('  ')
      .trimEnd(),
  )
}
