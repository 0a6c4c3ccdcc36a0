import type { TopicMessage, TopicView } from '../../lib/api.gen'

/** Milliseconds between two glows of one row: a topic that never rests must not become a lamp. */
export const GLOW_PAUSE_MS = 900

/** One level of a topic. A plain object, not reactive: with 10,000 of them only the rows on screen may cost anything. */
export interface TopicNode {
  /** Text between two slashes; may be empty, as in `/a`. */
  readonly name: string
  /** Whole topic down to here. */
  readonly path: string
  /** The same for searching, whatever the case. */
  readonly lower: string
  readonly depth: number
  readonly parent: TopicNode | null
  readonly children: Map<string, TopicNode>
  /** Children in order of name, made when first shown. */
  sorted: TopicNode[] | null
  /** Newest message published to exactly this topic. */
  message: TopicMessage | null
  /** The message before it, for the comparison. */
  previous: TopicMessage | null
  retained: boolean
  /** Messages of this topic. */
  count: number
  /** Messages of this topic and everything below. */
  total: number
  /** Topics below (and here) that have had a message. */
  topics: number
  /** When it last glowed, and how often: the row restarts its animation when the number moves. */
  glowedMs: number
  glows: number
}

function makeNode(name: string, parent: TopicNode | null): TopicNode {
  const path = parent === null || parent.depth < 0 ? name : `${parent.path}/${name}`
  return {
    name, parent, path, lower: path.toLowerCase(),
    depth: parent === null ? -1 : parent.depth + 1,
    children: new Map(), sorted: null,
    message: null, previous: null, retained: false,
    count: 0, total: 0, topics: 0, glowedMs: 0, glows: 0,
  }
}

const byName = new Intl.Collator(undefined, { numeric: true }).compare

/** Every topic the broker has seen, as the tree its slashes make. */
export class TopicTree {
  readonly root = makeNode('', null)
  /** Messages that frames merged away: their topics' counts are too low until the next snapshot. */
  uncounted = 0
  #byTopic = new Map<string, TopicNode>()

  /** Topics that have had a message. */
  get size(): number { return this.root.topics }

  find(topic: string): TopicNode | undefined { return this.#byTopic.get(topic) }

  /** Takes a topic from the snapshot. Returns whether a row was added. */
  snapshot(view: TopicView): boolean {
    const { node, grew } = this.#place(view.last.topic)
    if (view.last.id >= (node.message?.id ?? 0)) {
      if (node.message && view.last.id > node.message.id) node.previous = node.message
      node.message = view.last
      node.retained = view.retained
    }
    this.#add(node, view.count - node.count)
    return this.#first(node) || grew
  }

  /** Takes the newest message of a topic, as it arrived. Returns whether a row was added. */
  arrived(message: TopicMessage, nowMs: number): boolean {
    const { node, grew } = this.#place(message.topic)
    if (node.message && message.id <= node.message.id) return grew
    node.previous = node.message
    node.message = message
    // A broker keeps what was published with the flag; an empty payload takes it away (MQTT 5, 3.3.1.3).
    if (message.retain) node.retained = message.bytes > 0
    this.#add(node, 1)
    for (let at: TopicNode | null = node; at && at.depth >= 0; at = at.parent) {
      if (nowMs - at.glowedMs < GLOW_PAUSE_MS) continue
      at.glowedMs = nowMs
      at.glows += 1
    }
    return this.#first(node) || grew
  }

  #place(topic: string): { node: TopicNode; grew: boolean } {
    const known = this.#byTopic.get(topic)
    if (known) return { node: known, grew: false }
    let at = this.root
    let grew = false
    for (const name of topic.split('/')) {
      let child = at.children.get(name)
      if (!child) {
        child = makeNode(name, at)
        at.children.set(name, child)
        at.sorted = null
        this.#byTopic.set(child.path, child)
        grew = true
      }
      at = child
    }
    return { node: at, grew }
  }

  /** Counts a node's topic once, all the way up. */
  #first(node: TopicNode): boolean {
    if (this.#counted.has(node)) return false
    this.#counted.add(node)
    for (let at: TopicNode | null = node; at; at = at.parent) at.topics += 1
    return true
  }
  #counted = new Set<TopicNode>()

  #add(node: TopicNode, messages: number) {
    node.count += messages
    for (let at: TopicNode | null = node; at; at = at.parent) at.total += messages
  }
}

/** A node's children in the order they are shown. */
export function childrenOf(node: TopicNode): TopicNode[] {
  return (node.sorted ??= [...node.children.values()].sort((a, b) => byName(a.name, b.name)))
}

/** The words of a search box; all of them have to be in the topic, whatever their case. */
export function wordsOf(search: string): string[] {
  return search.toLowerCase().split(/\s+/).filter(Boolean)
}

/** The rows to show: open branches, or with words the topics that hold them all and the way down to them. */
export function rowsOf(root: TopicNode, open: ReadonlySet<string>, words: readonly string[], shut: ReadonlySet<string> = new Set()): TopicNode[] {
  const rows: TopicNode[] = []
  if (words.length === 0) {
    const walk = (node: TopicNode) => {
      for (const child of childrenOf(node)) {
        rows.push(child)
        if (open.has(child.path)) walk(child)
      }
    }
    walk(root)
    return rows
  }
  const walk = (node: TopicNode): boolean => {
    let any = false
    for (const child of childrenOf(node)) {
      const at = rows.length
      rows.push(child)
      const self = child.message !== null && words.every((word) => child.lower.includes(word))
      const below = walk(child)
      if (shut.has(child.path)) rows.length = at + 1
      if (self || below) any = true
      else rows.length = at
    }
    return any
  }
  walk(root)
  return rows
}

/** Paths that have to be open for a topic to be seen. */
export function waysTo(topic: string): string[] {
  const names = topic.split('/')
  return names.slice(1).map((_, i) => names.slice(0, i + 1).join('/'))
}

/** Where a key leads from a row, and what it opens or closes. */
export interface Step { cursor: number; open?: string; close?: string }

/** Arrow keys in a tree, as WAI-ARIA's tree view has them. */
export function step(key: string, rows: readonly TopicNode[], cursor: number, isOpen: (node: TopicNode) => boolean, page: number): Step | null {
  const last = rows.length - 1
  if (last < 0) return null
  const node = rows[cursor]
  switch (key) {
    case 'ArrowDown': return { cursor: Math.min(cursor + 1, last) }
    case 'ArrowUp': return { cursor: Math.max(cursor - 1, 0) }
    case 'PageDown': return { cursor: Math.min(cursor + page, last) }
    case 'PageUp': return { cursor: Math.max(cursor - page, 0) }
    case 'Home': return { cursor: 0 }
    case 'End': return { cursor: last }
  }
  if (!node) return null
  if (key === 'ArrowRight' && node.children.size > 0) {
    return isOpen(node) ? { cursor: Math.min(cursor + 1, last) } : { cursor, open: node.path }
  }
  if (key === 'ArrowLeft') {
    if (node.children.size > 0 && isOpen(node)) return { cursor, close: node.path }
    const parent = rows.indexOf(node.parent as TopicNode)
    return { cursor: parent < 0 ? cursor : parent }
  }
  return null
}
