/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which figure becomes which metric: see metrics.h.
 *
 *   X(source, figure, metric, labels, kind, scale, help)
 *
 * Rows of one metric stand together and only the first has a help text. A figure that is
 * counted anew somewhere gets a row here (without a name when it is shown otherwise), and what
 * it is called is never changed: dashboards and alerts of others name it.
 */
#ifndef BATON_SERVER_METRICS_TABLE_H
#define BATON_SERVER_METRICS_TABLE_H

/* clang-format off */
#define METRICS(X) \
    X(ENGINE, "sip_received", "baton_sip_messages_received_total", NULL, COUNTER, 1, \
      "SIP messages that came in.") \
    X(ENGINE, "sip_received_octets", "baton_sip_received_bytes_total", NULL, COUNTER, 1, \
      "Octets of SIP that came in.") \
    X(ENGINE, "sip_keepalives", "baton_sip_keepalives_total", NULL, COUNTER, 1, \
      "Keep-alives that came in.") \
    X(ENGINE, "sip_requests", "baton_sip_requests_total", NULL, COUNTER, 1, \
      "SIP requests that came in.") \
    X(ENGINE, "sip_responses", "baton_sip_responses_total", NULL, COUNTER, 1, \
      "SIP responses that came in.") \
    X(ENGINE, "sip_malformed", "baton_sip_unserved_total", "reason=\"malformed\"", COUNTER, 1, \
      "SIP messages that were not served, by the reason.") \
    X(ENGINE, "sip_dropped", "baton_sip_unserved_total", "reason=\"dropped\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "sip_refused_overload", "baton_sip_unserved_total", "reason=\"no_room\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "sip_no_dialog", "baton_sip_unserved_total", "reason=\"no_dialog\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "sip_unknown_method", "baton_sip_unserved_total", "reason=\"unknown_method\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "routed_bridge", "baton_routed_requests_total", "action=\"bridge\"", COUNTER, 1, \
      "Requests that begin something, by where they were routed.") \
    X(ENGINE, "routed_proxy", "baton_routed_requests_total", "action=\"proxy\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "routed_redirect", "baton_routed_requests_total", "action=\"redirect\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "routed_refuse", "baton_routed_requests_total", "action=\"refuse\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "routed_refer", "baton_routed_requests_total", "action=\"refer\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "routed_redirect_asked", "baton_routed_requests_total", "action=\"redirect_asked\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "store_restored", "baton_restored_total", "result=\"ok\"", COUNTER, 1, \
      "Things of before that stand again after the start.") \
    X(ENGINE, "store_not_restored", "baton_restored_total", "result=\"dropped\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "auth_challenged", "baton_auth_total", "result=\"challenged\"", COUNTER, 1, \
      "Credentials of SIP, by what became of them.") \
    X(ENGINE, "auth_ok", "baton_auth_total", "result=\"ok\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "auth_wrong", "baton_auth_total", "result=\"wrong\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "auth_failed", "baton_auth_total", "result=\"refused\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "auth_stale", "baton_auth_total", "result=\"stale\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "auth_foreign_nonce", "baton_auth_total", "result=\"foreign_nonce\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "auth_replayed", "baton_auth_total", "result=\"replayed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "auth_malformed", "baton_auth_total", "result=\"malformed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "guard_scanners", "baton_guard_total", "what=\"scanner\"", COUNTER, 1, \
      "What strangers were not let do.") \
    X(ENGINE, "guard_banned", "baton_guard_total", "what=\"banned\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "guard_slowed", "baton_guard_total", "what=\"slowed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "guard_limited", "baton_guard_total", "what=\"limited\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "guard_evicted", "baton_guard_total", "what=\"forgotten\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "guard_bans", "baton_guard_bans_total", NULL, COUNTER, 1, \
      "Addresses that were banned.") \
    X(ENGINE, "load_shed", "baton_load_shed_requests_total", NULL, COUNTER, 1, \
      "Requests that were refused early for overload.") \
    X(ENGINE, "load_shed_calls", "baton_load_shed_calls_total", NULL, COUNTER, 1, \
      "Calls that were refused early for overload.") \
    X(ENGINE, "load_emergency", "baton_load_emergency_calls_total", NULL, COUNTER, 1, \
      "Requests that were let in by their number in spite of overload.") \
    X(ENGINE, "load_drained", "baton_drained_calls_total", NULL, COUNTER, 1, \
      "Calls that were refused, as the server was being drained.") \
    X(ENGINE, "txn_active", "baton_transactions", NULL, GAUGE, 1, \
      "SIP transactions now.") \
    X(ENGINE, "txn_server", "baton_transactions_total", "side=\"server\"", COUNTER, 1, \
      "SIP transactions so far.") \
    X(ENGINE, "txn_client", "baton_transactions_total", "side=\"client\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "txn_retransmitted", "baton_sip_retransmissions_total", NULL, COUNTER, 1, \
      "SIP messages that were sent again.") \
    X(ENGINE, "txn_absorbed", "baton_sip_repetitions_total", NULL, COUNTER, 1, \
      "SIP messages that came again.") \
    X(ENGINE, "txn_timeouts", "baton_transaction_failures_total", "reason=\"timeout\"", COUNTER, 1, \
      "SIP transactions that ended without an answer, and what else went wrong in them.") \
    X(ENGINE, "txn_transport_errors", "baton_transaction_failures_total", "reason=\"transport\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "txn_stray_responses", "baton_transaction_failures_total", "reason=\"stray_response\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "txn_stray_acks", "baton_transaction_failures_total", "reason=\"stray_ack\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "txn_refused", "baton_transaction_failures_total", "reason=\"no_room\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "txn_retargeted", "baton_transactions_retargeted_total", NULL, COUNTER, 1, \
      "SIP requests that went to a next server.") \
    X(ENGINE, "txn_grown", "baton_transactions_grown_total", NULL, COUNTER, 1, \
      "SIP requests that went over TCP for their length.") \
    X(ENGINE, "servers_avoided", "baton_servers_avoided", NULL, GAUGE, 1, \
      "Servers that are avoided for a while, as they have failed.") \
    X(ENGINE, "peers_up", "baton_peers", "state=\"up\"", GAUGE, 1, \
      "Peers now.") \
    X(ENGINE, "peers_down", "baton_peers", "state=\"down\"", GAUGE, 1, \
      NULL) \
    X(ENGINE, "peers_calls", "baton_peer_calls", NULL, GAUGE, 1, \
      "Calls over peers now.") \
    X(ENGINE, "peers_probes", "baton_peer_probes_total", NULL, COUNTER, 1, \
      "OPTIONS to peers.") \
    X(ENGINE, "peers_unanswered", "baton_peer_probes_unanswered_total", NULL, COUNTER, 1, \
      "OPTIONS to peers that had no answer.") \
    X(ENGINE, "peers_full", "baton_peer_full_total", NULL, COUNTER, 1, \
      "Calls that were not sent to a peer, which had max_calls.") \
    X(ENGINE, "peers_learned", "baton_peer_learned_total", NULL, COUNTER, 1, \
      "Answers of peers that said something new of what they understand.") \
    X(ENGINE, "dialog_legs", "baton_legs", NULL, GAUGE, 1, \
      "INVITE usages now: two for a bridged call, one for a CSTA session.") \
    X(ENGINE, "dialogs", "baton_dialogs", NULL, GAUGE, 1, \
      "SIP dialogs now.") \
    X(ENGINE, "dialog_glare", "baton_dialog_glare_total", NULL, COUNTER, 1, \
      "Requests of both sides that crossed (491).") \
    X(ENGINE, "dialog_unknown", "baton_dialog_unknown_total", NULL, COUNTER, 1, \
      "Requests of dialogs that are not known.") \
    X(ENGINE, "dialog_hung_up", "baton_dialog_hung_up_total", "done=\"yes\"", COUNTER, 1, \
      "Calls that a phone accepted after the process that had called it was gone.") \
    X(ENGINE, "dialog_hung_up_not", "baton_dialog_hung_up_total", "done=\"no\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "session_timer_refreshed", "baton_session_timers_total", "result=\"refreshed\"", COUNTER, 1, \
      "Session timers, by their outcome.") \
    X(ENGINE, "session_timer_expired", "baton_session_timers_total", "result=\"expired\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "registrar_bindings", "baton_registrations", NULL, GAUGE, 1, \
      "Phones that are registered now.") \
    X(ENGINE, "registrar_records", "baton_registered_devices", NULL, GAUGE, 1, \
      "Devices with a registered phone now.") \
    X(ENGINE, "registrar_registered", "baton_registration_changes_total", "change=\"registered\"", COUNTER, 1, \
      "Registrations, by what happened to them.") \
    X(ENGINE, "registrar_refreshed", "baton_registration_changes_total", "change=\"refreshed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "registrar_removed", "baton_registration_changes_total", "change=\"removed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "registrar_expired", "baton_registration_changes_total", "change=\"expired\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "registrar_lost", "baton_registration_changes_total", "change=\"lost\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "registrar_refused", "baton_registration_changes_total", "change=\"refused\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "calls_active", "baton_calls", NULL, GAUGE, 1, \
      "Calls now.") \
    X(ENGINE, "calls_waiting", "baton_calls_waiting", NULL, GAUGE, 1, \
      "Callers who wait for somebody to be free now.") \
    X(ENGINE, "calls_made", "baton_call_outcomes_total", "outcome=\"made\"", COUNTER, 1, \
      "Calls and what became of them, so far.") \
    X(ENGINE, "calls_bridged", "baton_call_outcomes_total", "outcome=\"bridged\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "calls_failed", "baton_call_outcomes_total", "outcome=\"failed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "calls_queued", "baton_call_outcomes_total", "outcome=\"queued\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "calls_queue_full", "baton_call_outcomes_total", "outcome=\"queue_full\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "calls_hunted", "baton_call_outcomes_total", "outcome=\"hunted\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "calls_forwarded", "baton_call_outcomes_total", "outcome=\"forwarded\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "calls_transferred", "baton_call_outcomes_total", "outcome=\"transferred\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "calls_referred", "baton_call_outcomes_total", "outcome=\"referred\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "calls_redirected", "baton_call_outcomes_total", "outcome=\"redirected\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "calls_conferenced", "baton_call_outcomes_total", "outcome=\"conferenced\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "calls_focus_failed", "baton_call_outcomes_total", "outcome=\"conference_failed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "isdn_opened", "baton_isdn_uui_total", "what=\"opened\"", COUNTER, 1, \
      "User-to-User with the ISDN, by what was done about it.") \
    X(ENGINE, "isdn_closed", "baton_isdn_uui_total", "what=\"closed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "isdn_too_long", "baton_isdn_uui_total", "what=\"too_long\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "isdn_several", "baton_isdn_uui_total", "what=\"several\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "isdn_malformed", "baton_isdn_uui_total", "what=\"malformed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "isdn_misplaced", "baton_isdn_uui_total", "what=\"misplaced\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "isdn_ended", "baton_isdn_uui_total", "what=\"ended\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "isdn_differed", "baton_isdn_uui_total", "what=\"differed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "isup_made", "baton_isup_messages_total", "result=\"made\"", COUNTER, 1, \
      "ISUP messages of our own.") \
    X(ENGINE, "isup_unmade", "baton_isup_messages_total", "result=\"failed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "proxy_active", "baton_proxy_requests", NULL, GAUGE, 1, \
      "Requests that are being passed on now.") \
    X(ENGINE, "proxy_forwarded", "baton_proxy_forwarded_total", NULL, COUNTER, 1, \
      "Requests that were passed on.") \
    X(ENGINE, "proxy_branches", "baton_proxy_branches_total", NULL, COUNTER, 1, \
      "Branches on which they were.") \
    X(ENGINE, "proxy_responses", "baton_proxy_responses_total", NULL, COUNTER, 1, \
      "Responses that were passed back.") \
    X(ENGINE, "proxy_acks", "baton_proxy_events_total", "what=\"ack\"", COUNTER, 1, \
      "What else happened to requests that are passed on.") \
    X(ENGINE, "proxy_recursed", "baton_proxy_events_total", "what=\"recursed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "proxy_reflowed", "baton_proxy_events_total", "what=\"other_flow\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "proxy_cancelled", "baton_proxy_events_total", "what=\"cancelled\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "proxy_loops", "baton_proxy_events_total", "what=\"loop\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "proxy_too_many_hops", "baton_proxy_events_total", "what=\"too_many_hops\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "proxy_refused", "baton_proxy_events_total", "what=\"refused\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "proxy_ring_timeouts", "baton_proxy_events_total", "what=\"ring_timeout\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "proxy_forged_routes", "baton_proxy_events_total", "what=\"forged_route\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "csta_sessions", "baton_csta_sessions", NULL, GAUGE, 1, \
      "CSTA sessions of applications now.") \
    X(ENGINE, "csta_monitors", "baton_csta_monitors", NULL, GAUGE, 1, \
      "Monitors now.") \
    X(ENGINE, "csta_connections", "baton_csta_connections", NULL, GAUGE, 1, \
      "Connections with CSTA over TCP now.") \
    X(ENGINE, "csta_unframed", "baton_csta_unframed_total", NULL, COUNTER, 1, \
      "Connections closed for what was no frame of CSTA.") \
    X(ENGINE, "csta_agents", "baton_agents", NULL, GAUGE, 1, \
      "Agents that are logged on now.") \
    X(ENGINE, "csta_requests", "baton_csta_requests_total", NULL, COUNTER, 1, \
      "CSTA requests of applications.") \
    X(ENGINE, "csta_answered", "baton_csta_answers_total", NULL, COUNTER, 1, \
      "Answers to them, errors included.") \
    X(ENGINE, "csta_errors", "baton_csta_errors_total", NULL, COUNTER, 1, \
      "Answers to them that were errors.") \
    X(ENGINE, "csta_events_recorded", "baton_csta_events_recorded_total", NULL, COUNTER, 1, \
      "Events that were numbered and written down.") \
    X(ENGINE, "csta_events_sent", "baton_csta_events_sent_total", NULL, COUNTER, 1, \
      "Events that were sent in CSTA sessions.") \
    X(ENGINE, "csta_gaps", "baton_csta_gaps_total", NULL, COUNTER, 1, \
      "Times that a session was too far behind and was told so.") \
    X(ENGINE, "csta_route_requests", "baton_csta_route_requests_total", NULL, COUNTER, 1, \
      "Calls of which an application was asked where to.") \
    X(ENGINE, "csta_route_timeouts", "baton_csta_route_timeouts_total", NULL, COUNTER, 1, \
      "And those for which it had no answer in time.") \
    X(ENGINE, "operations", "baton_operations", NULL, GAUGE, 1, \
      "Commands of the API that are remembered now.") \
    X(ENGINE, "operations_running", "baton_operations_running", NULL, GAUGE, 1, \
      "Those of them that have not ended.") \
    X(ENGINE, "phones", "baton_commanded_phones", NULL, GAUGE, 1, \
      "Phones that are commanded in CSTA now.") \
    X(ENGINE, "phone_sessions", "baton_phone_sessions", NULL, GAUGE, 1, \
      "CSTA sessions with phones now.") \
    X(ENGINE, "phones_monitored", "baton_phones_monitored", NULL, GAUGE, 1, \
      "Phones that tell their events now.") \
    X(ENGINE, "phone_sessions_opened", "baton_phone_session_changes_total", "change=\"opened\"", COUNTER, 1, \
      "CSTA sessions with phones, by what happened to them.") \
    X(ENGINE, "phone_sessions_lost", "baton_phone_session_changes_total", "change=\"lost\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "phone_sessions_refused", "baton_phone_session_changes_total", "change=\"refused\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "phone_requests", "baton_phone_requests_total", "result=\"sent\"", COUNTER, 1, \
      "CSTA requests to phones, by what became of them.") \
    X(ENGINE, "phone_requests_unanswered", "baton_phone_requests_total", "result=\"unanswered\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "phone_requests_refused", "baton_phone_requests_total", "result=\"refused\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "phone_limited", "baton_phone_requests_total", "result=\"no_room\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "phone_events", "baton_phone_events_total", "result=\"received\"", COUNTER, 1, \
      "CSTA events of phones, by what became of them.") \
    X(ENGINE, "phone_events_known", "baton_phone_events_total", "result=\"known\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "phone_events_unread", "baton_phone_events_total", "result=\"unreadable\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "phone_resynced", "baton_phone_resyncs_total", NULL, COUNTER, 1, \
      "Times that a phone was asked anew for its state.") \
    X(ENGINE, "phone_calls", "baton_phone_foreign_calls_total", NULL, COUNTER, 1, \
      "Calls that pass elsewhere and of which a phone told.") \
    X(ENGINE, "event_subscriptions", "baton_subscriptions", NULL, GAUGE, 1, \
      "SIP subscriptions now.") \
    X(ENGINE, "event_resources", "baton_subscribed_resources", NULL, GAUGE, 1, \
      "What they are about, now.") \
    X(ENGINE, "event_publications", "baton_publications", NULL, GAUGE, 1, \
      "SIP publications now.") \
    X(ENGINE, "event_subscribed", "baton_subscription_changes_total", "change=\"subscribed\"", COUNTER, 1, \
      "SIP subscriptions, by what happened to them.") \
    X(ENGINE, "event_refreshed", "baton_subscription_changes_total", "change=\"refreshed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "event_ended", "baton_subscription_changes_total", "change=\"ended\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "event_expired", "baton_subscription_changes_total", "change=\"expired\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "event_refused", "baton_subscription_changes_total", "change=\"refused\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "event_notified", "baton_notifications_total", "result=\"sent\"", COUNTER, 1, \
      "NOTIFY requests, by their outcome; coalesced ones were changes that waited for the next.") \
    X(ENGINE, "event_notify_failed", "baton_notifications_total", "result=\"failed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "event_coalesced", "baton_notifications_total", "result=\"coalesced\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "uui_seen", "baton_uui_values_total", NULL, COUNTER, 1, \
      "Values of User-to-User that were looked at.") \
    X(ENGINE, "uui_decoded", "baton_uui_actions_total", "action=\"decoded\"", COUNTER, 1, \
      "What the rules of the border did to values of User-to-User.") \
    X(ENGINE, "uui_encoded", "baton_uui_actions_total", "action=\"encoded\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "uui_stripped", "baton_uui_actions_total", "action=\"stripped\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "uui_replaced", "baton_uui_actions_total", "action=\"replaced\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "uui_refused", "baton_uui_actions_total", "action=\"refused\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "uui_withheld", "baton_uui_actions_total", "action=\"withheld\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "uui_too_long", "baton_uui_actions_total", "action=\"too_long\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "uui_left", "baton_uui_actions_total", "action=\"left\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "uui_failed", "baton_uui_actions_total", "action=\"failed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "uui_move_replaced", "baton_uui_moves_total", "result=\"replaced\"", COUNTER, 1, \
      "Values of User-to-User that a move brought, by what became of them.") \
    X(ENGINE, "uui_move_refused", "baton_uui_moves_total", "result=\"refused\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "uui_move_forbidden", "baton_uui_moves_total", "result=\"forbidden\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "uui_wrong", "baton_uui_verdicts_total", "verdict=\"wrong\"", COUNTER, 1, \
      "Values of User-to-User in calls that no application is shown, by why.") \
    X(ENGINE, "uui_ignored", "baton_uui_verdicts_total", "verdict=\"ignored\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "seal_made", "baton_seals_made_total", NULL, COUNTER, 1, \
      "Values of User-to-User that were sealed here.") \
    X(ENGINE, "seal_ok", "baton_seals_opened_total", "result=\"ok\"", COUNTER, 1, \
      "Seals that were opened, by what was found.") \
    X(ENGINE, "seal_forged", "baton_seals_opened_total", "result=\"forged\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "seal_replayed", "baton_seals_opened_total", "result=\"replayed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "seal_stale", "baton_seals_opened_total", "result=\"stale\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "seal_unknown_key", "baton_seals_opened_total", "result=\"unknown_key\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "seal_not_valid_now", "baton_seals_opened_total", "result=\"not_valid_now\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "seal_wrong_package", "baton_seals_opened_total", "result=\"wrong_package\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "seal_malformed", "baton_seals_opened_total", "result=\"malformed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "seal_failed", "baton_seals_opened_total", "result=\"failed\"", COUNTER, 1, \
      NULL) \
    X(ENGINE, "seal_remembered", "baton_seals_remembered", NULL, GAUGE, 1, \
      "Seals that are remembered now, so that none counts twice.") \
    X(ENGINE, "seal_evicted", "baton_seals_evicted_total", NULL, COUNTER, 1, \
      "Seals that were forgotten before their time for want of room.") \
    X(ENGINE, "timers", "baton_timers", NULL, GAUGE, 1, \
      "Timers of the engine now.") \
    X(NET, "udp_received", "baton_net_datagrams_total", "direction=\"in\"", COUNTER, 1, \
      "Datagrams.") \
    X(NET, "udp_sent", "baton_net_datagrams_total", "direction=\"out\"", COUNTER, 1, \
      NULL) \
    X(NET, "udp_batches_in", "baton_net_datagram_batches_total", "direction=\"in\"", COUNTER, 1, \
      "System calls for them.") \
    X(NET, "udp_batches_out", "baton_net_datagram_batches_total", "direction=\"out\"", COUNTER, 1, \
      NULL) \
    X(NET, "udp_dropped", "baton_net_datagrams_dropped_total", NULL, COUNTER, 1, \
      "Datagrams that could not be sent.") \
    X(NET, "stream_received", "baton_net_stream_bytes_total", "direction=\"in\"", COUNTER, 1, \
      "Octets over connections.") \
    X(NET, "stream_sent", "baton_net_stream_bytes_total", "direction=\"out\"", COUNTER, 1, \
      NULL) \
    X(NET, "connections", "baton_net_connections", NULL, GAUGE, 1, \
      "Connections of SIP and CSTA now.") \
    X(NET, "half_open", "baton_net_half_open_connections", NULL, GAUGE, 1, \
      "Those of them that came in and have said nothing yet.") \
    X(NET, "accepted", "baton_net_connection_changes_total", "change=\"accepted\"", COUNTER, 1, \
      "Connections of SIP and CSTA, by what happened to them.") \
    X(NET, "connected", "baton_net_connection_changes_total", "change=\"connected\"", COUNTER, 1, \
      NULL) \
    X(NET, "refused", "baton_net_connection_changes_total", "change=\"refused\"", COUNTER, 1, \
      NULL) \
    X(NET, "evicted", "baton_net_connection_changes_total", "change=\"evicted\"", COUNTER, 1, \
      NULL) \
    X(NET, "connect_failed", "baton_net_connection_changes_total", "change=\"connect_failed\"", COUNTER, 1, \
      NULL) \
    X(NET, "closed_slow", "baton_net_connection_changes_total", "change=\"closed_slow\"", COUNTER, 1, \
      NULL) \
    X(NET, "closed_bad", "baton_net_connection_changes_total", "change=\"closed_bad\"", COUNTER, 1, \
      NULL) \
    X(NET, "closed_idle", "baton_net_connection_changes_total", "change=\"closed_idle\"", COUNTER, 1, \
      NULL) \
    X(NET, "closed_dead", "baton_net_connection_changes_total", "change=\"closed_dead\"", COUNTER, 1, \
      NULL) \
    X(NET, "handshakes", "baton_net_handshakes_total", NULL, COUNTER, 1, \
      "Handshakes of TLS and WebSocket.") \
    X(NET, "handshakes_failed", "baton_net_handshakes_failed_total", NULL, COUNTER, 1, \
      "And those that failed.") \
    X(NET, "stun", "baton_net_stun_requests_total", NULL, COUNTER, 1, \
      "Binding requests of STUN that were answered.") \
    X(NET, "fetches", "baton_net_fetches_total", NULL, COUNTER, 1, \
      "HTTP requests to phones.") \
    X(NET, "fetches_failed", "baton_net_fetches_failed_total", NULL, COUNTER, 1, \
      "And those without an answer.") \
    X(NET, "names", "baton_dns_names", NULL, GAUGE, 1, \
      "Names of the DNS that are remembered now.") \
    X(NET, "lookups", "baton_dns_lookups_running", NULL, GAUGE, 1, \
      "Look-ups in the DNS that run now.") \
    X(NET, "names_asked", "baton_dns_lookups_total", NULL, COUNTER, 1, \
      "Look-ups in the DNS.") \
    X(NET, "names_failed", "baton_dns_lookups_failed_total", NULL, COUNTER, 1, \
      "And those without an answer.") \
    X(NET, "names_stale", "baton_dns_stale_answers_total", NULL, COUNTER, 1, \
      "Names for which an answer of before had to do.") \
    X(STORE, "groups", "baton_store_commits_total", NULL, COUNTER, 1, \
      "Groups of changes that were written.") \
    X(STORE, "changes", "baton_store_changes_total", NULL, COUNTER, 1, \
      "Changes in them.") \
    X(STORE, "events", "baton_store_events_total", NULL, COUNTER, 1, \
      "Events among those.") \
    X(STORE, "failed", "baton_store_commits_failed_total", NULL, COUNTER, 1, \
      "Attempts to write that the disk refused.") \
    X(STORE, "lost", "baton_store_changes_lost_total", NULL, COUNTER, 1, \
      "Changes that were never written.") \
    X(STORE, "waited", "baton_store_waits_total", NULL, COUNTER, 1, \
      "Times that signalling had to wait for the disk, as the queue was full.") \
    X(STORE, "forgotten", "baton_store_events_forgotten_total", NULL, COUNTER, 1, \
      "Events that were deleted for their age or number.") \
    X(STORE, "held", "baton_store_held_messages_total", NULL, COUNTER, 1, \
      "Messages that waited until what they tell of was written.") \
    X(STORE, "hold_refused", "baton_store_hold_refused_total", NULL, COUNTER, 1, \
      "Messages that did not go out, as too many waited.") \
    X(STORE, "queued_octets", "baton_store_queue_bytes", NULL, GAUGE, 1, \
      "Octets that wait to be written now.") \
    X(STORE, "broken", "baton_store_broken", NULL, GAUGE, 1, \
      "1 while the disk cannot be written.") \
    X(STORE, "head", "baton_store_event_sequence", NULL, GAUGE, 1, \
      "Number of the newest event.") \
    X(STORE, "oldest", "baton_store_oldest_event_sequence", NULL, GAUGE, 1, \
      "Number of the oldest event that is kept.") \
    X(STORE, "used", "baton_store_used_bytes", NULL, GAUGE, 1, \
      "Octets of the database in use, as of a minute ago at most.") \
    X(STORE, "commit_us_max", "baton_store_commit_seconds_max", NULL, GAUGE, 1e-6, \
      "The longest commit so far.") \
    X(STORE, "commit_us_mean", NULL, NULL, GAUGE, 1, \
      NULL) \
    X(SERVER, "started", "baton_start_time_seconds", NULL, GAUGE, 1, \
      "When the server was started, since 1970.") \
    X(SERVER, "draining", "baton_draining", NULL, GAUGE, 1, \
      "1 while no new calls come in, as the server is being drained.") \
    X(SERVER, "reloaded", "baton_config_reloads_total", "result=\"ok\"", COUNTER, 1, \
      "Reloads of the configuration.") \
    X(SERVER, "reload_refused", "baton_config_reloads_total", "result=\"refused\"", COUNTER, 1, \
      NULL) \
    X(SERVER, "log_followed", "baton_log_followed", NULL, GAUGE, 1, \
      "Calls and devices of which everything is logged now.") \
    X(API, "clients", "baton_api_clients", NULL, GAUGE, 1, \
      "Connections of HTTP now.") \
    X(API, "accepted", "baton_api_connections_total", "result=\"accepted\"", COUNTER, 1, \
      "Connections of HTTP, by whether there was room.") \
    X(API, "turned_away", "baton_api_connections_total", "result=\"turned_away\"", COUNTER, 1, \
      NULL) \
    X(API, "closed_slow", "baton_api_connections_closed_total", "reason=\"slow\"", COUNTER, 1, \
      "Connections that were closed, by why.") \
    X(API, "closed_bad", "baton_api_connections_closed_total", "reason=\"malformed\"", COUNTER, 1, \
      NULL) \
    X(API, "requests", "baton_api_requests_total", NULL, COUNTER, 1, \
      "HTTP requests.") \
    X(API, "answers_2xx", "baton_api_answers_total", "status=\"2xx\"", COUNTER, 1, \
      "Answers to them, by class of the status.") \
    X(API, "answers_3xx", "baton_api_answers_total", "status=\"3xx\"", COUNTER, 1, \
      NULL) \
    X(API, "answers_4xx", "baton_api_answers_total", "status=\"4xx\"", COUNTER, 1, \
      NULL) \
    X(API, "answers_5xx", "baton_api_answers_total", "status=\"5xx\"", COUNTER, 1, \
      NULL) \
    X(API, "jobs", "baton_api_jobs_total", NULL, COUNTER, 1, \
      "Requests that were handed to the core.") \
    X(API, "jobs_refused", "baton_api_jobs_refused_total", NULL, COUNTER, 1, \
      "And those for which there was no room.") \
    X(API, "refused_pace", "baton_api_refused_total", "reason=\"pace\"", COUNTER, 1, \
      "Requests and messages of principals who asked too much, and streams beyond their number.") \
    X(API, "refused_streams", "baton_api_refused_total", "reason=\"streams\"", COUNTER, 1, \
      NULL) \
    X(API, "octets_in", "baton_api_bytes_total", "direction=\"in\"", COUNTER, 1, \
      "Octets of HTTP.") \
    X(API, "octets_out", "baton_api_bytes_total", "direction=\"out\"", COUNTER, 1, \
      NULL) \
    X(EVENTS, "sse", "baton_stream_clients", "kind=\"sse\"", GAUGE, 1, \
      "Clients that follow events now.") \
    X(EVENTS, "websocket", "baton_stream_clients", "kind=\"websocket\"", GAUGE, 1, \
      NULL) \
    X(EVENTS, "lag", "baton_stream_lag_records", NULL, GAUGE, 1, \
      "Records of the journal that the furthest of them is behind.") \
    X(EVENTS, "sent", "baton_stream_events_total", NULL, COUNTER, 1, \
      "Events that were given out, to clients and webhooks.") \
    X(EVENTS, "slow", "baton_stream_closed_slow_total", NULL, COUNTER, 1, \
      "Clients that were closed, as they took nothing.") \
    X(EVENTS, "webhooks_active", "baton_webhooks", "state=\"active\"", GAUGE, 1, \
      "Webhooks now.") \
    X(EVENTS, "webhooks_retrying", "baton_webhooks", "state=\"retrying\"", GAUGE, 1, \
      NULL) \
    X(EVENTS, "webhooks_paused", "baton_webhooks", "state=\"paused\"", GAUGE, 1, \
      NULL) \
    X(EVENTS, "webhooks_lag", "baton_webhook_lag_records", NULL, GAUGE, 1, \
      "Records of the journal that the furthest of those that are not paused is behind.") \
    X(EVENTS, "webhooks_delivered", "baton_webhook_deliveries_total", "result=\"taken\"", COUNTER, 1, \
      "Times that an event was brought, by what became of it.") \
    X(EVENTS, "webhooks_refused", "baton_webhook_deliveries_total", "result=\"refused\"", COUNTER, 1, \
      NULL) \
    X(EVENTS, "webhooks_failed", "baton_webhook_deliveries_total", "result=\"failed\"", COUNTER, 1, \
      NULL) \
    X(TRACE, "messages", "baton_trace_messages", NULL, GAUGE, 1, \
      "Messages of calls that are kept in memory now.") \
    X(TRACE, "octets", "baton_trace_bytes", NULL, GAUGE, 1, \
      "Memory that they take.") \
    X(TRACE, "captured", "baton_trace_captured_total", NULL, COUNTER, 1, \
      "Messages that were captured.") \
    X(TRACE, "gone", "baton_trace_gone_total", NULL, COUNTER, 1, \
      "And those that had to make room for others.") \
    X(TRACE, "calls", "baton_trace_calls", NULL, GAUGE, 1, \
      "Calls whose messages are told apart now.") \
    X(TRACE, "hep_sent", "baton_hep_packets_total", "result=\"sent\"", COUNTER, 1, \
      "Messages for the collector (HEP), by what became of them.") \
    X(TRACE, "hep_dropped", "baton_hep_packets_total", "result=\"dropped\"", COUNTER, 1, \
      NULL) \
    X(TRACE, "hep_failed", "baton_hep_connections_failed_total", NULL, COUNTER, 1, \
      "Connections to the collector that broke, or never were.") \
    X(PROCESS, "cpu_us", "process_cpu_seconds_total", NULL, COUNTER, 1e-6, \
      "Processor time, of user and system.") \
    X(PROCESS, "resident", "process_resident_memory_bytes", NULL, GAUGE, 1, \
      "Memory that is there.") \
    X(PROCESS, "virtual", "process_virtual_memory_bytes", NULL, GAUGE, 1, \
      "Memory that is mapped.") \
    X(PROCESS, "open_fds", "process_open_fds", NULL, GAUGE, 1, \
      "Descriptors that are open.") \
    X(PROCESS, "max_fds", "process_max_fds", NULL, GAUGE, 1, \
      "Descriptors that may be open.") \
    X(PROCESS, "threads", "process_threads", NULL, GAUGE, 1, \
      "Threads.") \
    X(PROCESS, "start_ms", "process_start_time_seconds", NULL, GAUGE, 1e-3, \
      "When the process began, since 1970.")
/* clang-format on */

#endif
