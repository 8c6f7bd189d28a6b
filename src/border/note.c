/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes: what the border has done to whose values, and why. A ring, counters, and a log line
 * each, none of which has the octets. A message that is repeated is not noted again as long as
 * its note is among the last LOOK_BACK; and only LINES lines are written in ten seconds, since
 * strangers may send as many values as they like.
 */
#include "border/parts.h"
#include "border/source.h"

enum { LOOK_BACK = 64, LINES = 50, LINES_MS = 10000 };

static uint64_t message_hash(const struct crossing *x, uint64_t call, uint64_t value,
                             uint32_t index)
{
    const struct hash_key *key = &x->b->key;
    struct sip_cseq cseq = {0};
    uint64_t h = hash_mix(call, value);
    (void)sip_msg_cseq(x->m, &cseq);
    h = hash_mix(h, (uint64_t)cseq.number << 32 | (uint64_t)x->m->method << 16 | x->m->status);
    h = hash_mix(h, (uint64_t)x->direction << 32 | index);
    h = hash_mix(h, (uint64_t)x->hop->flow << 16 | x->hop->remote.port);
    return hash_mix(h, hash_bytes(key, str_make((const char *)x->hop->remote.ip,
                                                sizeof(x->hop->remote.ip)))) |
           1;
}

static bool is_repeated(const struct border *b, uint64_t message)
{
    uint64_t n = b->noted < LOOK_BACK ? b->noted : LOOK_BACK;
    for (uint64_t i = 1; i <= n; i++) {
        if (b->note[(b->noted - i) % BORDER_NOTES].message == message) {
            return true;
        }
    }
    return false;
}

static bool may_log(struct border *b)
{
    uint64_t now_ms = b->wheel->now_ms;
    if (now_ms - b->lines_ms >= LINES_MS) {
        if (b->lines > LINES) {
            env_trace(b->env, TRACE_WARN, "uui", "%u more like these were not written",
                      b->lines - LINES);
        }
        b->lines_ms = now_ms;
        b->lines = 0;
    }
    return b->lines++ < LINES;
}

/** The dialect in which a value was read or written; else an empty name. */
static struct str dialect_of(const struct crossing *x, const struct border_note *n)
{
    bool is = n->action == BORDER_DECODE || n->action == BORDER_ENCODE;

    return is && x->far->dialect != NULL ? x->far->dialect->name : STR("");
}

/** The note as a sentence. */
static void write_note(struct out *o, const struct crossing *x, const struct border_note *n)
{
    struct str what = x->m->status != 0 ? STR("response to ") : STR("");
    struct str dialect = dialect_of(x, n);
    struct str header =
        n->header != SIP_HDR_OTHER ? sip_hdr_id_name((enum sip_hdr_id)n->header) : STR("");
    out_fmt(o, "%s: %s, %u octets, in %s%s%.*s of %.*s%.*s %s %.*s: %s%.*s%.*s%s%s",
            border_action_name((enum border_action)n->action),
            n->package[0] != '\0' ? n->package : "unknown package", n->octets,
            border_place_name((enum border_place)n->place), header.n > 0 ? " of " : "",
            STR_ARG(header), STR_ARG(what),
            STR_ARG(sip_method_name((enum sip_method)n->method)),
            n->direction == BORDER_IN ? "from" : "to", STR_ARG(n->peer),
            dialect.n > 0 ? "dialect " : "", STR_ARG(dialect), STR_ARG(n->rule),
            n->rule.n > 0 && n->why != NULL ? ": " : "", n->why != NULL ? n->why : "");
}

/** Into the log, and to who watches. */
static void tell(struct crossing *x, const struct border_note *n)
{
    struct border *b = x->b;
    const struct env_watch *w = b->env->watch;
    char text[1024];
    struct out o;

    out_init(&o, text, sizeof(text));
    write_note(&o, x, n);
    if (may_log(b)) {
        env_trace_of(b->env, TRACE_INFO, "uui",
                     &(struct trace_ids){.sip_call = sip_msg_value(x->m, SIP_HDR_CALL_ID)},
                     "%.*s", STR_ARG(out_str_of(&o)));
    }
    if (w != NULL) {
        w->note(w->ctx,
                &(struct env_note){.sip_call = sip_msg_value(x->m, SIP_HDR_CALL_ID),
                                   .sent = n->direction == BORDER_OUT,
                                   .status = n->status,
                                   .method = sip_method_name((enum sip_method)n->method),
                                   .package = str_c(n->package),
                                   .dialect = dialect_of(x, n),
                                   .text = out_str_of(&o)});
    }
}

/** Room for a note that is no repetition. NULL: there is one, or memory is out, *no_memory. */
static struct border_note *next_note(struct border *b, uint64_t message, bool *no_memory)
{
    if (b->note == NULL) {
        b->note = mem_zalloc(&b->env->mem, BORDER_NOTES * sizeof(*b->note));
    }
    *no_memory = b->note == NULL;
    return b->note == NULL || is_repeated(b, message) ? NULL
                                                      : &b->note[b->noted++ % BORDER_NOTES];
}

static void put_value(struct border_note *n, const struct uui_value *v)
{
    struct str package = str_upto(v->package, sizeof(n->package) - 1);
    if (package.n > 0) {
        memcpy(n->package, package.p, package.n);
    }
    n->octets = (uint32_t)v->octets.n;
}

void border_note_moved(struct border *b, const struct border_moved *m)
{
    uint64_t call = hash_bytes(&b->key, m->call_id);
    uint64_t message = hash_mix(hash_mix(call, border_value_hash(&b->key, m->value)),
                                (uint64_t)m->in << 8 | (uint64_t)m->fate) |
                       1;
    bool no_memory;
    struct border_note *n =
        m->fate == UUI_FATE_REPLACED ? NULL : next_note(b, message, &no_memory);
    if (n == NULL) {
        return;
    }
    *n = (struct border_note){.call = call,
                              .message = message,
                              .time_ms = b->wheel->now_ms,
                              .peer = border_party_name(&m->by),
                              .rule = m->rule,
                              .why = uui_fate_text(m->fate),
                              .method = SIP_METHOD_INVITE,
                              .place =
                                  m->in != SIP_HDR_OTHER ? BORDER_URI_HEADER : BORDER_HEADER,
                              .header = (uint8_t)m->in,
                              .action = BORDER_STRIP,
                              .direction = BORDER_IN};
    put_value(n, m->value);
}

bool border__note(struct crossing *x, const struct border_event *e)
{
    struct border *b = x->b;
    const struct uui_value *v = &e->value->v;
    struct str id = sip_msg_value(x->m, SIP_HDR_CALL_ID);
    uint64_t call = hash_bytes(&b->key, id);
    uint64_t message =
        message_hash(x, call, border_value_hash(&b->key, v),
                     (uint32_t)(e->value - border_value_at(&x->found, 0)) * 8 + e->action);
    bool no_memory;
    struct border_note *n = next_note(b, message, &no_memory);
    if (n == NULL) {
        return no_memory;
    }
    *n = (struct border_note){.call = call,
                              .message = message,
                              .time_ms = b->wheel->now_ms,
                              .peer = border_party_name(&x->neighbour),
                              .rule = e->rule != NULL ? e->rule->name : STR_NONE,
                              .why = e->why,
                              .status = x->m->status,
                              .method = x->m->method,
                              .place = e->value->place,
                              .header = e->value->header,
                              .action = (uint8_t)e->action,
                              .direction = (uint8_t)x->direction};
    put_value(n, v);
    tell(x, n);
    return true;
}

void border_each_note(const struct border *b, struct str call_id,
                      void (*fn)(void *ctx, const struct border_note *note), void *ctx)
{
    uint64_t n = b->noted < BORDER_NOTES ? b->noted : BORDER_NOTES;
    uint64_t call = str_is_set(call_id) ? hash_bytes(&b->key, call_id) : 0;
    for (uint64_t i = b->noted - n; i < b->noted; i++) {
        const struct border_note *note = &b->note[i % BORDER_NOTES];
        if (!str_is_set(call_id) || note->call == call) {
            fn(ctx, note);
        }
    }
}
