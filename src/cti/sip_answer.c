/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSTA in SIP: what comes in a request, and how the answer to it is put together.
 *
 * A CSTA answer, good or bad, is the body of the 200 (TR/87 S-7, S-9). SIP's own refusals are
 * for what is wrong with SIP or cannot be read at all. Every refusal carries a Warning (RFC
 * 3261 §20.43, code 399) with a sentence for people, because the codes of both only name
 * classes.
 *
 * When the request came with a session description, so does its 200: with CSTA in several
 * parts, and alone where there is no CSTA to say.
 */
#include "cti/sip.h"

const struct str csta_type = STR_INIT("application/csta+xml");
const struct str csta_disposition =
    STR_INIT("Content-Disposition: signal;handling=required\r\n");

struct str sip_warning(const struct cti *c, struct str why)
{
    struct str agent = c->directory->domain_count > 0 ? c->directory->domains[0] : STR("baton");
    size_t cap = agent.n + 2 * why.n + 32;
    char *buf = why.n > 0 ? arena_alloc(c->scratch, cap) : NULL;
    struct out o;

    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    out_c(&o, "Warning: 399 ");
    out_str(&o, agent);
    out_ch(&o, ' ');
    sip_quote(&o, why);
    out_c(&o, "\r\n");
    return o.over ? STR_NONE : out_str_of(&o);
}

static int send_answer(const struct asker *to, unsigned status,
                       const struct leg_content *content, uint64_t now_ms)
{
    struct leg *leg = to->session->leg;

    if (to->txn == NULL) {
        return leg_respond(leg, NULL, status, STR_NONE, content, now_ms);
    }
    return leg_answer(leg, to->txn, status, STR_NONE, content, now_ms);
}

/** Send it; when there is no memory for so much, say at least that. */
static void answer(const struct asker *to, unsigned status, const struct leg_content *content,
                   uint64_t now_ms)
{
    int err;

    if (to->session->over) {
        return; /* the leg has answered what was open */
    }
    err = send_answer(to, status, content, now_ms);
    if (err == E_NOMEM) {
        err = send_answer(to, 503, &(struct leg_content){0}, now_ms);
    }
    if (err != 0 && to->txn == NULL) {
        session_end(to->session, CTI_END_PLAIN, now_ms); /* never opened */
    }
}

void sip_answer(const struct asker *to, unsigned status, const char *lines, struct str why,
                uint64_t now_ms)
{
    struct cti *c = to->session->cti;
    struct str part[] = {str_c(lines), sip_warning(c, why)};
    struct leg_content content = {.lines = arena_join(c->scratch, part, ARRAY_LEN(part))};

    if (to->offered && status < 300 &&
        content_join(to->session, STR_NONE, &content.type, &content.body) != 0) {
        status = 503;
        content = (struct leg_content){0};
    }
    answer(to, status, &content, now_ms);
}

/** The headers and the body of a 200 with CSTA. */
static int content_of_reply(const struct asker *to, const struct cti_reply *reply,
                            struct leg_content *content)
{
    struct cti *c = to->session->cti;
    struct str part[] = {to->offered ? STR_NONE : csta_disposition, sip_warning(c, reply->why)};

    content->type = csta_type;
    content->body = reply->csta;
    content->lines = arena_join(c->scratch, part, ARRAY_LEN(part));
    if (part[0].n + part[1].n > 0 && content->lines.n == 0) {
        return E_NOMEM;
    }
    return to->offered ? content_join(to->session, reply->csta, &content->type, &content->body)
                       : 0;
}

void sip_reply(const struct asker *to, const struct cti_reply *reply, uint64_t now_ms)
{
    struct leg_content content = {0};

    if (!str_is_set(reply->csta)) {
        sip_answer(to, reply->status, NULL, reply->why, now_ms);
    } else if (content_of_reply(to, reply, &content) != 0) {
        sip_answer(to, 503, NULL, STR_NONE, now_ms);
    } else {
        answer(to, reply->status, &content, now_ms);
    }
}

/* ---- what comes ---- */

/** The session description that came with the request. @return false: refused */
static bool take_offer(struct asker *from, const struct content *content, uint64_t now_ms)
{
    int err;

    if (!str_is_set(content->sdp)) {
        return true;
    }
    err = content_answer_sdp(from->session, content->sdp);
    from->offered = err == 0;
    from->session->cti->stats.requests += err == 0 ? 0 : 1; /* else request_on_csta counts it */
    if (err == E_NOMEM) {
        request_refuse(from, 503, STR_NONE, now_ms);
    } else if (err != 0) {
        request_refuse(from, 400, STR("the session description cannot be read"), now_ms);
    }
    return err == 0;
}

void sip_on_message(struct cti_session *s, struct txn *t, const struct sip_msg *m,
                    uint64_t now_ms)
{
    struct asker from = {.session = s, .txn = t};
    struct content content = content_of(m);

    s->busy++;
    switch (content.kind) {
    case CONTENT_NONE:
        sip_answer(&from, 200, NULL, STR_NONE, now_ms);
        break;
    case CONTENT_CSTA:
        if (m->method == SIP_METHOD_INFO || take_offer(&from, &content, now_ms)) {
            request_on_csta(&from, content.csta, now_ms);
        }
        break;
    case CONTENT_EMPTY:
        s->cti->stats.requests++;
        request_refuse(&from, 400, STR("there is nothing in the body"), now_ms);
        break;
    case CONTENT_BROKEN:
        s->cti->stats.requests++;
        request_refuse(&from, 400, STR("the parts of the body cannot be told apart"), now_ms);
        break;
    case CONTENT_UNKNOWN:
        sip_answer(&from, 415,
                   "Accept: application/csta+xml, multipart/mixed\r\n"
                   "Accept-Encoding: identity\r\n",
                   STR_NONE, now_ms);
        break;
    case CONTENT_PACKAGE:
        sip_answer(&from, 469, "Recv-Info:\r\n", STR("no Info Package is supported here"),
                   now_ms);
        break;
    }
    s->busy--;
    deliver_mark(s);
    cti_flush(s->cti, now_ms);
}
