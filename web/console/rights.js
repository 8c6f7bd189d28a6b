// SPDX-License-Identifier: Apache-2.0
/*
 * What who has signed in may do, so that a page offers nothing that would be refused.
 *
 * The server decides, each time; this only saves a person from buttons that cannot work, and says
 * why they are not there. Patterns are those of docs/access.md: a number, number@domain, or the
 * beginning of either with * at its end.
 */
import { number } from '../client/baton.js';

export const LOOKS_ONLY = 'You may look, but not command: the token has no control scope for it.';

function fits(pattern, names) {
  return pattern.endsWith('*') ? names.some((n) => n.startsWith(pattern.slice(0, -1)))
    : names.includes(pattern);
}

export class Rights {
  /** @param who  of /v1/whoami */
  constructor({ admin = false, scopes = [] } = {}) {
    this.admin = admin;
    this.control = scopes.filter((s) => s.startsWith('control:')).map((s) => s.slice(8));
  }

  /** May that device be commanded? Of a number, or of sip:number@domain. */
  controls(device = '') {
    const whole = device.replace(/^<|>$/g, '').replace(/^(sips?|tel):/i, '').replace(/[;?].*$/, '');
    return this.admin || this.control.some((p) => fits(p, [number(device), whole]));
  }

  /** May any device be commanded? */
  get commands() {
    return this.admin || this.control.length > 0;
  }
}
