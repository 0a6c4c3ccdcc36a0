import { autocompletion, closeBrackets, closeBracketsKeymap, type Completion, type CompletionContext, completionKeymap, type CompletionResult } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { bracketMatching, HighlightStyle, indentOnInput, indentService, indentUnit, StreamLanguage, syntaxHighlighting, syntaxTree } from '@codemirror/language'
import { type Diagnostic, forceLinting, linter, lintGutter } from '@codemirror/lint'
import { highlightSelectionMatches, openSearchPanel, searchKeymap } from '@codemirror/search'
import { EditorState, type Text } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import type { ScriptCheck, ScriptError, ScriptFunction } from '../../lib/api.gen'
import { indentation, rhaiParser } from './rhai'

/** How long typing has to rest before the hub checks the script, ms. */
const CHECK_AFTER_MS = 400

/** What the event of a handler offers; the hub's `e` knows no other fields. */
const EVENT_FIELDS: readonly [string, string][] = [
  ['kind', 'What fired: "topic", "changed", "above", "below" or "started"'],
  ['topic', 'Topic of the message'], ['payload', 'Payload as text'], ['json', 'Payload read as JSON'],
  ['value', 'Value of the entity now'], ['old', 'Value of the entity before'], ['entity', 'Id of the entity'],
  ['time', 'When it happened, ms since 1970'], ['cause', 'Why it happened, in words'], ['retained', 'Whether the message was published retained'],
]
const SNIPPET_KEYWORDS = ['let', 'const', 'if', 'else', 'for', 'in', 'while', 'loop', 'return', 'switch', 'fn', 'true', 'false']

export interface EditorNeeds {
  parent: HTMLElement
  source: string
  functions: readonly ScriptFunction[]
  entities(): { id: string; name: string }[]
  /** Topics that contain the text. */
  topics(part: string): Promise<string[]>
  check(source: string): Promise<ScriptCheck>
  changed(source: string): void
  save(): void
}

export interface ScriptEditor {
  source(): string
  /** Puts another text in; the step can be undone. */
  replace(source: string): void
  /** Goes to a line, from 1. */
  jump(line: number, column: number | null): void
  checkAgain(): void
  destroy(): void
}

/** Where an error stands in the text: its column to the end of the word, or the whole line. */
export function span(doc: Text, error: ScriptError): { from: number; to: number } {
  if (error.line === null) return { from: 0, to: Math.min(doc.length, doc.line(1).to) }
  const line = doc.line(Math.min(Math.max(error.line, 1), doc.lines))
  const indent = line.text.length - line.text.trimStart().length
  if (error.column === null) return { from: line.from + indent, to: line.to }
  const from = Math.min(line.from + Math.max(error.column - 1, 0), line.to)
  const word = /^\w+/.exec(line.text.slice(from - line.from))?.[0].length ?? 1
  const to = Math.min(from + word, line.to)
  // An error at the very end would have no width to underline.
  return to > from ? { from, to } : { from: Math.max(line.from, to - 1), to }
}

/** What the hub said about a script, as marks in the text. */
export function diagnostics(doc: Text, check: ScriptCheck): Diagnostic[] {
  const mark = (severity: 'error' | 'warning') => (error: ScriptError): Diagnostic =>
    ({ ...span(doc, error), severity, message: error.message })
  return [...(check.error ? [mark('error')(check.error)] : []), ...check.warnings.map(mark('warning'))]
}

/** What can be completed at a place in the text. */
export function completer(needs: Pick<EditorNeeds, 'functions' | 'entities' | 'topics'>) {
  const calls: Completion[] = needs.functions.map(({ name, signature, help }) => ({
    label: name, detail: signature.startsWith(name) ? signature.slice(name.length) : signature, info: help, type: 'function',
  }))
  const words: Completion[] = SNIPPET_KEYWORDS.map((label) => ({ label, type: 'keyword' }))
  const fields: Completion[] = EVENT_FIELDS.map(([label, info]) => ({ label, info, type: 'property' }))
  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    const inText = syntaxTree(context.state).resolveInner(context.pos, -1).name === 'string'
    if (inText) {
      const word = context.matchBefore(/[^\s"'`{}]*/)
      if (!word || (word.from === word.to && !context.explicit)) return null
      if (word.text.includes('/')) {
        const topics = await needs.topics(word.text.replace(/[+#].*$/, ''))
        return { from: word.from, options: topics.map((label) => ({ label, type: 'text' })), validFor: /^[^\s"'`{}]*$/ }
      }
      const ids = needs.entities().map(({ id, name }): Completion => ({ label: id, detail: name, type: 'variable' }))
      // A slash makes a topic of it, so the list must be asked for again.
      return { from: word.from, options: ids, validFor: /^[^\s"'`{}/]*$/ }
    }
    const field = context.matchBefore(/\be\.\w*/)
    if (field) return { from: field.from + 2, options: fields, validFor: /^\w*$/ }
    const word = context.matchBefore(/\w*/)
    if (!word || (word.from === word.to && !context.explicit) || /^\d/.test(word.text)) return null
    return { from: word.from, options: [...calls, ...words], validFor: /^\w*$/ }
  }
}

const colours = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--ink-3)', fontStyle: 'italic' },
  { tag: tags.string, color: 'var(--ok)' },
  { tag: [tags.number, tags.atom], color: 'var(--notice)' },
  { tag: tags.keyword, color: 'var(--danger)' },
  { tag: tags.standard(tags.variableName), color: 'var(--accent)', fontWeight: '600' },
  { tag: tags.function(tags.variableName), color: 'var(--warning)' },
  { tag: [tags.operator, tags.punctuation], color: 'var(--ink-2)' },
])

const look = EditorView.theme({
  '&': { height: '100%', fontSize: 'var(--text-13)', color: 'var(--ink)', backgroundColor: 'var(--surface)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', fontVariantLigatures: 'none', lineHeight: '1.65', overscrollBehavior: 'contain' },
  '.cm-content': { padding: 'var(--s3) 0', caretColor: 'var(--accent)' },
  '.cm-line': { padding: '0 var(--s4) 0 var(--s2)' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--ink-3)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 var(--s1) 0 var(--s3)', minWidth: '3ch' },
  '.cm-activeLine': { backgroundColor: 'var(--hatch)' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--accent-soft)' },
  '.cm-matchingBracket': { backgroundColor: 'var(--accent-soft)', outline: 'none' },
  '.cm-nonmatchingBracket': { backgroundColor: 'var(--danger-soft)' },
  '.cm-selectionMatch, .cm-searchMatch': { backgroundColor: 'var(--alive-soft)' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--ink)', border: 'var(--hairline) solid var(--line)', borderRadius: 'var(--radius-small)', boxShadow: 'var(--shadow)', overflow: 'hidden' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', fontSize: 'var(--text-13)', maxHeight: '16em' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: 'var(--s1) var(--s2)' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent-soft)', color: 'var(--ink)' },
  '.cm-completionDetail': { color: 'var(--ink-3)', fontStyle: 'normal', marginLeft: 'var(--s2)' },
  '.cm-completionInfo': { padding: 'var(--s2) var(--s3)', maxWidth: '32ch', fontFamily: 'var(--font)', fontSize: 'var(--text-13)' },
  '.cm-completionMatchedText': { textDecoration: 'none', color: 'var(--accent)', fontWeight: '600' },
  '.cm-diagnostic': { padding: 'var(--s2) var(--s3)', fontFamily: 'var(--font)', fontSize: 'var(--text-13)', borderLeftWidth: '3px', maxWidth: '60ch', whiteSpace: 'pre-wrap' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--danger)' },
  '.cm-diagnostic-warning': { borderLeftColor: 'var(--warning)' },
  '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--danger)', textUnderlineOffset: '3px' },
  '.cm-lintRange-warning': { backgroundImage: 'none', textDecoration: 'underline wavy var(--warning)', textUnderlineOffset: '3px' },
  '.cm-panels': { backgroundColor: 'var(--raised)', color: 'var(--ink)', borderColor: 'var(--line)' },
  '.cm-panel.cm-search': { padding: 'var(--s2) var(--s3)', fontFamily: 'var(--font)' },
  '.cm-textfield': { backgroundColor: 'var(--surface)', border: 'var(--hairline) solid var(--line)', borderRadius: 'var(--radius-small)' },
  '.cm-button': { backgroundImage: 'none', backgroundColor: 'var(--sunken)', border: 'var(--hairline) solid var(--line)', borderRadius: 'var(--radius-small)' },
})

/** Indents by the last line above that has text in it. */
const indents = indentService.of((context, pos) => {
  const doc = context.state.doc
  let at = context.lineAt(pos, -1)
  const after = doc.sliceString(pos, doc.lineAt(pos).to)
  // Without a break being made at `pos`, the line itself is the one to indent: look above it.
  if (context.simulatedBreak !== pos && at.from > 0) at = context.lineAt(at.from - 1, -1)
  while (at.text.trim() === '' && at.from > 0) at = context.lineAt(at.from - 1, -1)
  return indentation(at.text, after, context.unit)
})

/** Puts a script editor into an element. */
export function makeEditor(needs: EditorNeeds): ScriptEditor {
  const view = new EditorView({
    parent: needs.parent,
    state: EditorState.create({
      doc: needs.source,
      extensions: [
        lineNumbers(), lintGutter(), history(), drawSelection(), highlightActiveLine(), highlightActiveLineGutter(),
        indentOnInput(), indentUnit.of('    '), indents, bracketMatching(), closeBrackets(), highlightSelectionMatches(),
        StreamLanguage.define(rhaiParser(new Set(needs.functions.map(({ name }) => name)))),
        syntaxHighlighting(colours), look, EditorView.lineWrapping,
        autocompletion({ override: [completer(needs)], activateOnTyping: true }),
        linter(async (view) => {
          try { return diagnostics(view.state.doc, await needs.check(view.state.doc.toString())) } catch { return [] }
        }, { delay: CHECK_AFTER_MS }),
        keymap.of([
          { key: 'Mod-s', preventDefault: true, run: () => { needs.save(); return true } },
          { key: 'Mod-f', run: openSearchPanel },
          ...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...searchKeymap, ...defaultKeymap, indentWithTab,
        ]),
        EditorView.contentAttributes.of({ 'aria-label': 'Script. Escape, then Tab, leaves the editor.', spellcheck: 'false', autocapitalize: 'off' }),
        EditorView.updateListener.of((update) => { if (update.docChanged) needs.changed(update.state.doc.toString()) }),
      ],
    }),
  })
  return {
    source: () => view.state.doc.toString(),
    replace(source) { view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: source } }) },
    jump(line, column) {
      const { from } = span(view.state.doc, { message: '', line, column })
      view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: 'center' }) })
      view.focus()
    },
    checkAgain() { forceLinting(view) },
    destroy() { view.destroy() },
  }
}
