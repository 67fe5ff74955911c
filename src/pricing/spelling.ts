import { findProvider } from '@pydantic/genai-prices';

/** A model as the built-in table may know it. Without a provider, the table tells it from the model. */
export interface Spelling {
  readonly model: string;
  readonly providerId?: string;
}

/**
 * Providers whose models the table does not tell by their names alone, though the names are theirs:
 * `text-embedding-3-small` and `ft:gpt-4o`; `anthropic.claude-sonnet-4-5-20250929-v1:0`.
 */
const NAMED_BY_THEIR_MODELS = ['openai', 'aws'] as const;

/**
 * What a model may be called in the built-in table, the likeliest first. Callers write
 * `gpt-4o` of `openai`, `openai/gpt-4o`, `models/gemini-2.5-pro`, `anthropic:claude-sonnet-4-5` or the
 * resource name of a cloud; and the provider as their gateway or OpenTelemetry has it.
 */
export function spellingsOf(model: string, provider: string): Spelling[] {
  const last = model.slice(model.lastIndexOf('/') + 1);
  const names = last === model ? [model] : [model, last];
  const [, prefix = '', rest = ''] = /^([^/:]+)[/:](.+)$/s.exec(model) ?? [];
  const prefixed = prefix !== '' && findProvider({ providerId: prefix });
  return [
    ...(provider === '' ? [] : names.map((name) => ({ model: name, providerId: provider }))),
    { model },
    ...(prefixed ? [{ model: rest, providerId: prefix }] : []),
    ...(last === model ? [] : [{ model: last }]),
    ...NAMED_BY_THEIR_MODELS.map((providerId) => ({ model: last, providerId })),
  ];
}
