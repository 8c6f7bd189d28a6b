/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every counter by name, in one table: what metrics, the log at shutdown and tests read.
 * Adding a counter is adding a row.
 */
#include "engine/operation.h"
#include "engine/parts.h"

/** By the bridge, the proxy, and our own redirections. */
#define UUI_MOVED(e, what) ((e)->calls.what + (e)->proxy.stats.what + (e)->count.what)

#define STATS(X)                                                                \
    X("sip_received", e->count.received)                                        \
    X("sip_received_octets", e->count.bytes)                                    \
    X("sip_keepalives", e->count.keepalives)                                    \
    X("sip_requests", e->count.requests)                                        \
    X("sip_responses", e->count.responses)                                      \
    X("sip_malformed", e->count.malformed)                                      \
    X("sip_dropped", e->count.dropped)                                          \
    X("sip_refused_overload", e->count.refused)                                 \
    X("sip_no_dialog", e->count.no_dialog)                                      \
    X("sip_unknown_method", e->count.unknown_method)                            \
    X("routed_bridge", e->count.routed[RULE_BRIDGE])                            \
    X("routed_proxy", e->count.routed[RULE_PROXY])                              \
    X("routed_redirect", e->count.routed[RULE_REDIRECT])                        \
    X("routed_refuse", e->count.routed[RULE_REFUSE])                            \
    X("routed_refer", e->count.routed[RULE_REFER])                              \
    X("routed_redirect_asked", e->count.redirect_asked)                         \
    X("store_restored", e->count.restored)                                      \
    X("store_not_restored", e->count.not_restored)                              \
    X("auth_challenged", e->count.challenged)                                   \
    X("auth_failed", e->count.auth_failed)                                      \
    X("guard_scanners", e->guard.scanners)                                      \
    X("guard_banned", e->guard.banned)                                          \
    X("guard_bans", e->guard.bans)                                              \
    X("guard_slowed", e->guard.slowed)                                          \
    X("guard_limited", e->guard.limited)                                        \
    X("guard_evicted", e->guard.evicted)                                        \
    X("load_shed", e->load.shed)                                                \
    X("load_shed_calls", e->load.shed_calls)                                    \
    X("load_emergency", e->load.emergency)                                      \
    X("load_drained", e->count.drained)                                         \
    X("auth_ok", e->auth.ok)                                                    \
    X("auth_wrong", e->auth.wrong)                                              \
    X("auth_stale", e->auth.stale)                                              \
    X("auth_foreign_nonce", e->auth.foreign)                                    \
    X("auth_replayed", e->auth.replay)                                          \
    X("auth_malformed", e->auth.malformed)                                      \
    X("txn_active", txn_count(&e->txn))                                         \
    X("txn_server", e->txn.stats.server_created)                                \
    X("txn_client", e->txn.stats.client_created)                                \
    X("txn_retransmitted", e->txn.stats.retransmitted)                          \
    X("txn_absorbed", e->txn.stats.absorbed)                                    \
    X("txn_timeouts", e->txn.stats.timeouts)                                    \
    X("txn_transport_errors", e->txn.stats.transport_errors)                    \
    X("txn_stray_responses", e->txn.stats.stray_responses)                      \
    X("txn_stray_acks", e->txn.stats.stray_acks)                                \
    X("txn_refused", e->txn.stats.refused)                                      \
    X("txn_retargeted", e->txn.stats.retargeted)                                \
    X("txn_grown", e->txn.stats.grown)                                          \
    X("servers_avoided", route_black_count(&e->txn.black))                      \
    X("peers_up", peers_now(&e->peers).up)                                      \
    X("peers_down", peers_now(&e->peers).down)                                  \
    X("peers_calls", peers_now(&e->peers).calls)                                \
    X("peers_probes", e->peers.probes)                                          \
    X("peers_unanswered", e->peers.silent)                                      \
    X("peers_full", e->peers.full)                                              \
    X("peers_learned", e->peers.learned)                                        \
    X("dialog_legs", e->legs.leg_pool.in_use)                                   \
    X("dialogs", e->legs.dialog_pool.in_use)                                    \
    X("dialog_glare", e->legs.glare)                                            \
    X("dialog_unknown", e->legs.stray)                                          \
    X("dialog_hung_up", e->legs.marks.hung_up)                                  \
    X("dialog_hung_up_not", e->legs.marks.refused)                              \
    X("session_timer_refreshed", e->legs.refreshed)                             \
    X("session_timer_expired", e->legs.expired)                                 \
    X("registrar_bindings", e->registrar.binding_pool.in_use)                   \
    X("registrar_records", e->registrar.record_pool.in_use)                     \
    X("registrar_registered", e->registrar.registered)                          \
    X("registrar_refreshed", e->registrar.refreshed)                            \
    X("registrar_removed", e->registrar.removed)                                \
    X("registrar_expired", e->registrar.expired)                                \
    X("registrar_lost", e->registrar.lost)                                      \
    X("registrar_refused", e->registrar.refused)                                \
    X("calls_active", e->calls.by_id.count)                                     \
    X("calls_made", e->calls.made)                                              \
    X("calls_bridged", e->calls.bridged)                                        \
    X("calls_hunted", e->calls.hunted)                                          \
    X("calls_waiting", e->calls.waiting)                                        \
    X("calls_queued", e->calls.queued)                                          \
    X("calls_queue_full", e->calls.queue_full)                                  \
    X("calls_forwarded", e->calls.forwarded)                                    \
    X("calls_failed", e->calls.failed)                                          \
    X("calls_transferred", e->calls.transferred)                                \
    X("calls_referred", e->calls.referred)                                      \
    X("calls_redirected", e->calls.redirected)                                  \
    X("calls_conferenced", e->calls.conferenced)                                \
    X("calls_focus_failed", e->calls.focus_failed)                              \
    X("isdn_opened", e->calls.uus.opened + e->proxy.stats.isdn.opened)          \
    X("isdn_closed", e->calls.uus.closed + e->proxy.stats.isdn.closed)          \
    X("isdn_too_long", e->calls.uus.too_long + e->proxy.stats.isdn.too_long)    \
    X("isdn_several", e->calls.uus.several + e->proxy.stats.isdn.several)       \
    X("isdn_malformed", e->calls.uus.malformed + e->proxy.stats.isdn.malformed) \
    X("isdn_misplaced", e->calls.uus.misplaced + e->proxy.stats.isdn.misplaced) \
    X("isdn_ended", e->calls.uus.ended)                                         \
    X("isdn_differed", e->calls.uus.differed + e->proxy.stats.isdn.differed)    \
    X("isup_made", e->calls.uus.made)                                           \
    X("isup_unmade", e->calls.uus.unmade)                                       \
    X("proxy_active", proxy_count(&e->proxy))                                   \
    X("proxy_forwarded", e->proxy.stats.forwarded)                              \
    X("proxy_branches", e->proxy.stats.branches)                                \
    X("proxy_responses", e->proxy.stats.responses)                              \
    X("proxy_acks", e->proxy.stats.acks)                                        \
    X("proxy_recursed", e->proxy.stats.recursed)                                \
    X("proxy_reflowed", e->proxy.stats.reflowed)                                \
    X("proxy_cancelled", e->proxy.stats.cancelled)                              \
    X("proxy_loops", e->proxy.stats.loops)                                      \
    X("proxy_too_many_hops", e->proxy.stats.hops)                               \
    X("proxy_refused", e->proxy.stats.refused)                                  \
    X("proxy_ring_timeouts", e->proxy.stats.ring_timeouts)                      \
    X("proxy_forged_routes", e->proxy.stats.forged)                             \
    X("csta_sessions", cti.sessions)                                            \
    X("csta_monitors", cti.monitors)                                            \
    X("csta_connections", cti.connections)                                      \
    X("csta_unframed", cti.unframed)                                            \
    X("csta_agents", cti.agents)                                                \
    X("csta_requests", cti.requests)                                            \
    X("csta_answered", cti.answered)                                            \
    X("csta_errors", cti.errors)                                                \
    X("csta_events_recorded", cti.events_recorded)                              \
    X("csta_events_sent", cti.events_sent)                                      \
    X("csta_gaps", cti.gaps)                                                    \
    X("csta_route_requests", cti.route_requests)                                \
    X("csta_route_timeouts", cti.route_timeouts)                                \
    X("operations", operations_count(e->operations))                            \
    X("operations_running", operations_running(e->operations))                  \
    X("phones", phones.phones)                                                  \
    X("phone_sessions", phones.sessions)                                        \
    X("phones_monitored", phones.monitored)                                     \
    X("phone_sessions_opened", phones.opened)                                   \
    X("phone_sessions_lost", phones.lost)                                       \
    X("phone_sessions_refused", phones.refused)                                 \
    X("phone_requests", phones.requests)                                        \
    X("phone_requests_unanswered", phones.unanswered)                           \
    X("phone_requests_refused", phones.refusals)                                \
    X("phone_limited", phones.full)                                             \
    X("phone_events", phones.events)                                            \
    X("phone_events_known", phones.duplicates)                                  \
    X("phone_events_unread", phones.unread)                                     \
    X("phone_resynced", phones.resynced)                                        \
    X("phone_calls", phones.foreign)                                            \
    X("event_subscriptions", events.subscriptions)                              \
    X("event_resources", events.resources)                                      \
    X("event_publications", events.publications)                                \
    X("event_subscribed", events.subscribed)                                    \
    X("event_refreshed", events.refreshed)                                      \
    X("event_ended", events.ended)                                              \
    X("event_expired", events.expired)                                          \
    X("event_refused", events.refused)                                          \
    X("event_notified", events.notified)                                        \
    X("event_notify_failed", events.notify_failed)                              \
    X("event_coalesced", events.coalesced)                                      \
    X("uui_seen", e->border.stats.seen)                                         \
    X("uui_decoded", e->border.stats.decoded)                                   \
    X("uui_encoded", e->border.stats.encoded)                                   \
    X("uui_stripped", e->border.stats.stripped)                                 \
    X("uui_replaced", e->border.stats.replaced)                                 \
    X("uui_refused", e->border.stats.refused)                                   \
    X("uui_withheld", e->border.stats.withheld)                                 \
    X("uui_too_long", e->border.stats.too_long)                                 \
    X("uui_left", e->border.stats.left)                                         \
    X("uui_failed", e->border.stats.failed)                                     \
    X("uui_move_replaced", UUI_MOVED(e, uui_replaced))                          \
    X("uui_move_refused", UUI_MOVED(e, uui_refused))                            \
    X("uui_move_forbidden", UUI_MOVED(e, uui_forbidden))                        \
    X("uui_wrong", cti.uui_wrong)                                               \
    X("uui_ignored", cti.uui_ignored)                                           \
    X("seal_made", e->seal.sealed)                                              \
    X("seal_ok", e->seal.seen[SEAL_OK])                                         \
    X("seal_forged", e->seal.seen[SEAL_FORGED])                                 \
    X("seal_replayed", e->seal.seen[SEAL_REPLAYED])                             \
    X("seal_stale", e->seal.seen[SEAL_STALE])                                   \
    X("seal_unknown_key", e->seal.seen[SEAL_UNKNOWN_KEY])                       \
    X("seal_not_valid_now", e->seal.seen[SEAL_NOT_VALID_NOW])                   \
    X("seal_wrong_package", e->seal.seen[SEAL_WRONG_PACKAGE])                   \
    X("seal_malformed", e->seal.seen[SEAL_MALFORMED])                           \
    X("seal_failed", e->seal.seen[SEAL_FAILED])                                 \
    X("seal_remembered", e->seal.pool.in_use)                                   \
    X("seal_evicted", e->seal.evicted)                                          \
    X("timers", e->wheel.count)

void engine_each_stat(const struct engine *e,
                      void (*fn)(void *ctx, const char *name, uint64_t value), void *ctx)
{
    struct cti_stats cti;
    struct event_stats events;
    struct phone_stats phones;

    phones_stats(e->phones, &phones);
    cti_stats(e->cti, &cti);
    event_stats(e->events, &events);
#define STAT_CALL(name, value) fn(ctx, name, (uint64_t)(value));
    STATS(STAT_CALL)
#undef STAT_CALL
}

void engine_request_time(const struct engine *e, struct histogram *out)
{
    struct cti_stats cti;

    cti_stats(e->cti, &cti);
    *out = cti.request_time;
}

struct wanted {
    const char *name;
    uint64_t value;
};

static void pick(void *ctx, const char *name, uint64_t value)
{
    struct wanted *w = ctx;

    if (strcmp(name, w->name) == 0) {
        w->value = value;
    }
}

uint64_t engine_stat(const struct engine *e, const char *name)
{
    struct wanted w = {name, 0};

    engine_each_stat(e, pick, &w);
    return w.value;
}
