// SPDX-License-Identifier: Apache-2.0
/* One JsSIP phone in one tab; phones.mjs calls its functions and prints what it tells. */
import JsSIP from 'jssip';

const tell = (event, more = {}) => window.tell({ event, ...more });
const media = { mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] } };

let ua = null;
let session = null;

const headerOf = (message, name) => (message?.getHeaders?.(name) ?? []);

function watch(s, incoming, request) {
  session = s;
  s.on('progress', (e) => tell('progress', { status: e.response?.status_code ?? 0 }));
  s.on('accepted', (e) => tell('accepted', { uui: headerOf(e.response, 'User-to-User') }));
  s.on('confirmed', () => tell('confirmed'));
  s.on('ended', (e) => tell('ended', { cause: e.cause, by: e.originator }));
  s.on('failed', (e) => tell('refused', { cause: e.cause, status: e.message?.status_code ?? 0 }));
  s.on('hold', (e) => tell('hold', { by: e.originator }));
  s.on('unhold', (e) => tell('unhold', { by: e.originator }));
  s.on('reinvite', () => tell('reinvite'));
  s.on('refer', (e) => {
    tell('refer', { to: String(e.request.refer_to?.uri ?? '') });
    e.accept((next) => watch(next, false, null), media);
  });
  const pc = () => s.connection?.addEventListener('connectionstatechange',
    () => tell('media', { state: s.connection.connectionState }));
  s.on('peerconnection', pc);
  pc();
  if (incoming) {
    tell('incoming', { from: s.remote_identity.uri.toString(),
      uui: headerOf(request, 'User-to-User') });
  }
}

window.phone = {
  register({ ws, uri, password }) {
    const socket = new JsSIP.WebSocketInterface(ws);
    ua = new JsSIP.UA({ sockets: [socket], uri, password, register_expires: 120,
      session_timers: true });
    ua.on('connected', () => tell('connected'));
    ua.on('disconnected', (e) => tell('disconnected', { error: Boolean(e.error) }));
    ua.on('registered', () => tell('registered'));
    ua.on('registrationFailed', (e) => tell('registration-failed', { cause: e.cause }));
    ua.on('newRTCSession', (e) => {
      if (e.originator === 'remote') {
        watch(e.session, true, e.request);
      }
    });
    ua.start();
  },
  call({ to, headers = [] }) {
    watch(ua.call(to, { ...media, extraHeaders: headers }), false, null);
  },
  /* Without rtcOfferConstraints JsSIP makes no offer of its own for an INVITE that has none. */
  answer({ headers = [] }) {
    session.answer({ ...media, extraHeaders: headers,
      rtcOfferConstraints: { offerToReceiveAudio: true } });
  },
  refuse({ status = 486 }) { session.terminate({ status_code: status }); },
  redirect({ to }) { session.terminate({ status_code: 302, reason_phrase: 'Moved Temporarily',
    extraHeaders: [`Contact: ${to}`] }); },
  /* Done when the other side has answered: JsSIP refuses the next one until then. */
  hold() { return new Promise((done) => session.hold({}, done)); },
  unhold() { return new Promise((done) => session.unhold({}, done)); },
  refer({ to, headers = [] }) {
    session.refer(to, { extraHeaders: headers, eventHandlers: {
      requestSucceeded: () => tell('refer-accepted'),
      requestFailed: (e) => tell('refer-refused', { cause: e.cause }),
      progress: (e) => tell('refer-progress', { status: e.status_line.status_code }),
      accepted: (e) => tell('refer-done', { status: e.status_line.status_code }),
      failed: (e) => tell('refer-failed', { status: e.status_line?.status_code ?? 0 }),
    } });
  },
  hangup() { session.terminate(); },
  stop() { ua.stop(); },
};
