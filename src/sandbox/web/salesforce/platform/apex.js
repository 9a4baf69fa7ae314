/**
 * Stands in for the platform's way to Apex: a method is a function and a wire adapter at once. What is asked goes to the page's own server,
 * as JSON, which answers as the class would (apex-stand-in.ts).
 */

const ENDPOINT = document.querySelector('meta[name="apex"]').content;
/** From a value that a wire handed out to what asks for it anew. */
const askers = new WeakMap();

async function call(className, method, params) {
  const response = await fetch(`${ENDPOINT}/${className}/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(params ?? {}),
  });
  const body = await response.json();
  // As Lightning hands an Apex exception to a component.
  if (!response.ok) throw { status: response.status, ok: false, statusText: response.statusText, body };
  return body;
}

export function apexMethod(className, method) {
  const invoke = (params) => call(className, method, params);
  invoke.adapter = class {
    constructor(provide) {
      this.provide = provide;
      this.asked = 0;
    }
    connect() {
      this.connected = true;
      if (this.config) return this.ask();
    }
    disconnect() {
      this.connected = false;
    }
    update(config) {
      // The platform waits until every parameter has a value.
      if (Object.values(config).some((value) => value === undefined)) return;
      this.config = config;
      if (this.connected) this.ask();
    }
    async ask() {
      this.asked += 1;
      const turn = this.asked;
      let value;
      try {
        value = { data: await invoke(this.config), error: undefined };
      } catch (error) {
        value = { data: undefined, error };
      }
      if (turn !== this.asked || !this.connected) return;
      // What was handed out before need not be handed out again: a component must not count on it.
      const text = value.error === undefined ? JSON.stringify(value.data) : undefined;
      if (text !== undefined && text === this.handedOut) return;
      this.handedOut = text;
      askers.set(value, () => this.ask());
      this.provide(value);
    }
  };
  return invoke;
}

export const refreshApex = (value) => askers.get(value)?.();
