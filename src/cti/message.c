/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: a message, or why there is none, for the link to carry.
 *
 * Every refusal has a sentence for people, because the codes only name classes.
 */
#include "cti/parts.h"

enum { TEXT_GUESS = 2048 };

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

void answer_status(const struct asker *to, unsigned status, struct str why, uint64_t now_ms)
{
    if (!to->session->over) {
        to->session->via->answer(to, &(struct cti_reply){.status = status, .why = why}, now_ms);
    }
}

/** As its link has it: as it is, or as text. */
static void answer_text(const struct asker *to, const struct csta_msg *msg, unsigned sip,
                        struct str why, uint64_t now_ms)
{
    struct cti_reply reply = {.status = 200, .why = why};
    int err;

    if (to->session->via->message != NULL) {
        if (!to->session->over) {
            to->session->via->message(to, msg, sip, why, now_ms);
        }
        return;
    }
    err = csta_text(to->session->cti, msg, to->edition, &reply.csta);
    if (err != 0) {
        answer_status(to, err == E_NOMEM ? 503 : 500, STR_NONE, now_ms);
    } else if (!to->session->over) {
        to->session->via->answer(to, &reply, now_ms);
    }
}

void answer_count(const struct asker *to, uint64_t now_ms)
{
    struct cti_stats *s = &to->session->cti->stats;

    s->answered++;
    if (to->asked_ms != 0) {
        histogram_add(&s->request_time, (now_ms - to->asked_ms) * 1000);
    }
}

void answer_csta(const struct asker *to, const struct csta_msg *msg, uint64_t now_ms)
{
    answer_count(to, now_ms);
    answer_text(to, msg, 0, STR_NONE, now_ms);
}

void answer_refusal(const struct asker *to, const struct outcome *o, uint64_t now_ms)
{
    const struct csta_msg msg = {.id = CSTA_MSG_ERROR_CODE, .error_code = &o->error};

    answer_count(to, now_ms);
    to->session->cti->stats.errors++;
    answer_text(to, &msg, o->sip, o->why, now_ms);
}

void answer_error(const struct asker *to, struct csta_error error, struct str why,
                  uint64_t now_ms)
{
    answer_refusal(to, &(struct outcome){.kind = OUTCOME_ERROR, .error = error, .why = why},
                   now_ms);
}
