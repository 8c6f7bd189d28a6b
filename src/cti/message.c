/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSTA in SIP: how an answer is put together.
 *
 * A CSTA answer, good or bad, is the body of the 200 (TR/87 S-7, S-9). SIP's own refusals are
 * for what is wrong with SIP or cannot be read at all. Every refusal carries a Warning (RFC
 * 3261 §20.43, code 399) with a sentence for people, because the codes of both only name
 * classes.
 *
 * When the request came with a session description, so does its 200: with CSTA in several
 * parts, and alone where there is no CSTA to say.
 */
#include "cti/parts.h"

const struct str csta_type = STR_INIT("application/csta+xml");
const struct str csta_disposition =
    STR_INIT("Content-Disposition: signal;handling=required\r\n");

enum { TEXT_GUESS = 2048 };

/** `Warning: 399 example.com "text"` with CRLF; absent without text or memory. */
static struct str warning(const struct cti *c, struct str why)
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
        session_end(to->session, STR_NONE, now_ms); /* never opened */
    }
}

void answer_sip(const struct asker *to, unsigned status, const char *lines, struct str why,
                uint64_t now_ms)
{
    struct cti *c = to->session->cti;
    struct str part[] = {str_c(lines), warning(c, why)};
    struct leg_content content = {.lines = arena_join(c->scratch, part, ARRAY_LEN(part))};

    if (to->offered && status < 300 &&
        content_join(to->session, STR_NONE, &content.type, &content.body) != 0) {
        status = 503;
        content = (struct leg_content){0};
    }
    answer(to, status, &content, now_ms);
}

int csta_text(struct cti *c, const struct csta_msg *msg, enum csta_edition edition,
              struct str *out)
{
    size_t cap = TEXT_GUESS;
    struct out o;
    int err;

    do {
        char *buf = arena_alloc(c->scratch, cap);
        if (buf == NULL) {
            return E_NOMEM;
        }
        out_init(&o, buf, cap);
        err = csta_encode(msg, edition, &o);
        cap = o.need;
    } while (err == E_SPACE);
    *out = out_str_of(&o);
    return err;
}

static void answer_text(const struct asker *to, const struct csta_msg *msg, struct str why,
                        uint64_t now_ms)
{
    struct cti *c = to->session->cti;
    struct str part[] = {to->offered ? STR_NONE : csta_disposition, warning(c, why)};
    struct leg_content content = {.type = csta_type};
    int err = csta_text(c, msg, to->edition, &content.body);

    content.lines = arena_join(c->scratch, part, ARRAY_LEN(part));
    if (err == 0 && part[0].n + part[1].n > 0 && content.lines.n == 0) {
        err = E_NOMEM;
    }
    if (err == 0 && to->offered) {
        err = content_join(to->session, content.body, &content.type, &content.body);
    }
    if (err != 0) {
        answer_sip(to, err == E_NOMEM ? 503 : 500, NULL, STR_NONE, now_ms);
    } else {
        answer(to, 200, &content, now_ms);
    }
}

void answer_csta(const struct asker *to, const struct csta_msg *msg, uint64_t now_ms)
{
    to->session->cti->stats.answered++;
    answer_text(to, msg, STR_NONE, now_ms);
}

void answer_error(const struct asker *to, struct csta_error error, struct str why,
                  uint64_t now_ms)
{
    const struct csta_msg msg = {.id = CSTA_MSG_ERROR_CODE, .error_code = &error};

    to->session->cti->stats.answered++;
    to->session->cti->stats.errors++;
    answer_text(to, &msg, why, now_ms);
}
