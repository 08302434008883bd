import { describe, expect, it } from 'vitest'
import { isInternalTopic } from '../../../src/layout/index.ts'
import { newTopicProblem, newTopicWarnings } from '../../../src/store/topic-rules.ts'

describe('a name that no topic can have', () => {
  it.each<[string, unknown, RegExp]>([
    ['empty', '', /must not be empty/],
    ['a dot', '.', /can't be named "\."/],
    ['two dots', '..', /can't be named "\.\."/],
    ['250 characters', 'x'.repeat(250), /at most 249 characters, found 250/],
    ['a blank', 'foo bar', /only ASCII letters, digits/],
    ['a colon', 'foo:bar', /only ASCII letters, digits/],
    ['a slash', 'a/b', /only ASCII letters, digits/],
    ['a way out', '../x', /only ASCII letters, digits/],
    ['a zero byte', 'a\0b', /only ASCII letters, digits.*\\u0000/],
    ['a line feed', 'a\n', /only ASCII letters, digits/],
    ['a letter that is not ASCII', 'größe', /only ASCII letters, digits/],
    ['a number', 7, /must be a string, found number/],
    ['nothing', undefined, /must be a string, found undefined/],
    ['an internal beginning', '__orders', /begin with __ are internal/],
  ])('is refused with the reason: %s', (_, name, reason) => {
    expect(newTopicProblem(name, [])).toMatch(reason)
  })

  it.each([
    ['to.pic', 'to_pic', /one name to metrics/],
    ['to_pic', 'to.pic', /one name to metrics/],
    ['a.b.c', 'a_b.c', /one name to metrics/],
    ['Orders', 'orders', /differ only in case/],
    ['ORDERS', 'orders', /differ only in case/],
  ])('is one that collides: %s beside %s', (name, other, reason) => {
    expect(newTopicProblem(name, ['payments', other])).toMatch(reason)
    expect(newTopicProblem(name, ['payments', other])).toContain(`'${other}'`)
    expect(newTopicProblem(name, ['payments'])).toBeUndefined()
  })
})

describe('a name that a topic can have', () => {
  it.each(['valid', 'TOPIC', '_0-9_.', '...', 'a', 'x'.repeat(249), '-', 'orders-0'])('%s', (name) => {
    expect(newTopicProblem(name, ['another', name])).toBeUndefined()
  })

  it('comes with a warning where it has a dot or an underscore', () => {
    expect(newTopicWarnings('orders')).toEqual([])
    for (const name of ['to.pic', 'to_pic'])
      expect(newTopicWarnings(name)).toEqual([expect.stringContaining(name)])
  })

  it('is internal where it begins with two underscores', () => {
    expect(['__seglog_offsets', '__x', '_x', 'orders'].map(isInternalTopic)).toEqual([
      true,
      true,
      false,
      false,
    ])
  })
})
