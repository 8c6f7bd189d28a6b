// SPDX-License-Identifier: Apache-2.0
/*
 * The agent bar as an element, for a page of your own:
 *
 *   <script type="module" src="https://pbx.example:8443/agent/embed.js"></script>
 *   <baton-agent device="1001" pop="https://crm.example/?q={uui}" hosts="crm.example"></baton-agent>
 *
 *   const agent = document.querySelector('baton-agent');
 *   agent.start(() => browserToken());        // asked again when the token has run out; it is
 *                                             // not written to the page
 *   agent.addEventListener('pop', (e) => show(e.detail.uui, e.detail.url));
 *   agent.addEventListener('call', (e) => …); // {callID, state, other, incoming, context}
 *   await agent.dial('1002', 'case 4711');
 *   agent.takeTelLinks();                     // tel: links of this page are dialled
 *
 * The bar itself is a frame of the server's own origin, so the page around it sees no token of the
 * server's and the bar nothing of the page. `api.origins` of the server has to name the page.
 */
const AGAIN_MS = 5000; // after no new token could be had

class BatonAgent extends HTMLElement {
  constructor() {
    super();
    this.waiting = new Map();
    this.next = 1;
    this.server = new URL('.', import.meta.url);
  }

  connectedCallback() {
    if (this.frame) {
      return;
    }
    this.frame = document.createElement('iframe');
    this.frame.title = 'Agent bar';
    this.frame.src = this.server.href;
    this.frame.setAttribute('allow', 'microphone');
    this.frame.style.border = '0';
    this.frame.style.width = '100%';
    this.frame.style.height = this.getAttribute('height') ?? '420px';
    this.ready = new Promise((done) => { this.isReady = done; });
    this.listener = (e) => this.hear(e);
    window.addEventListener('message', this.listener);
    this.append(this.frame);
  }

  disconnectedCallback() {
    window.removeEventListener('message', this.listener);
    for (const { fail } of this.waiting.values()) {
      fail(new Error('The agent bar was taken out of the page.'));
    }
    this.waiting.clear();
    this.frame?.remove();
    this.frame = null;
  }

  hear(e) {
    if (e.source !== this.frame?.contentWindow || e.origin !== this.server.origin) {
      return;
    }
    const { baton: what, detail } = e.data ?? {};
    if (what === 'ready') {
      this.isReady();
    } else if (what === 'done') {
      const w = this.waiting.get(detail.id);
      this.waiting.delete(detail.id);
      if (w) {
        detail.problem ? w.fail(Object.assign(new Error(detail.problem.message),
          { code: detail.problem.code })) : w.done(detail.result);
      }
    } else if (what === 'expired') {
      this.renew();
    } else if (['started', 'call', 'pop', 'state', 'problem'].includes(what)) {
      this.dispatchEvent(new CustomEvent(what, { detail }));
    }
  }

  say(message) {
    this.frame.contentWindow.postMessage(message, this.server.origin);
  }

  /** @param token  a browser token, or a function that brings (a promise of) one */
  async start(token, more = {}) {
    await this.ready;
    this.token = token;
    token = typeof token === 'function' ? await token() : token;
    this.say({ baton: 'start', token, settings: { device: this.getAttribute('device'),
      agentID: this.getAttribute('agent-id') ?? '', pop: this.getAttribute('pop') ?? '',
      hosts: (this.getAttribute('hosts') ?? '').split(/[\s,]+/).filter(Boolean),
      popOn: this.getAttribute('pop-on') ?? 'ringing', ...more } });
  }

  async renew() {
    if (typeof this.token === 'function') {
      try {
        this.say({ baton: 'token', token: await this.token() });
      } catch (e) { // whoever gives tokens is not there: the bar waits for the next one
        this.dispatchEvent(new CustomEvent('problem', { detail: { code: 'expired',
          message: `There is no new token for the agent bar: ${e.message}` } }));
        setTimeout(() => this.frame && this.renew(), AGAIN_MS);
      }
    } else {
      this.dispatchEvent(new CustomEvent('problem', { detail: { code: 'expired',
        message: 'The token of the agent bar has run out; start it with a function.' } }));
    }
  }

  do(what, ...args) {
    const id = this.next++;
    return new Promise((done, fail) => {
      this.waiting.set(id, { done, fail });
      this.say({ baton: 'do', id, what, args });
    });
  }

  dial(to, context = '') { return this.do('dial', to, context); }
  setAgent(state) { return this.do('setAgent', state); }
  answer(callID) { return this.do('answer', callID); }
  hold(callID) { return this.do('hold', callID); }
  retrieve(callID) { return this.do('retrieve', callID); }
  clear(callID) { return this.do('clear', callID); }
  transfer(callID, to) { return this.do('transfer', callID, to); }
  consult(callID, to) { return this.do('consult', callID, to); }
  digits(callID, keys) { return this.do('digits', callID, keys); }

  /** Clicks on tel: links in `root` are dialled by the agent's phone. */
  takeTelLinks(root = document) {
    root.addEventListener('click', (e) => {
      const a = e.target.closest?.('a[href^="tel:" i]');
      if (a) {
        e.preventDefault();
        this.dial(a.getAttribute('href')).catch((x) =>
          this.dispatchEvent(new CustomEvent('problem', { detail: { message: x.message } })));
      }
    });
  }
}

customElements.define('baton-agent', BatonAgent);
