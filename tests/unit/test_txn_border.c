/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The border's word about messages that leave, as the transaction layer keeps it (txn.h, struct
 * txn_border), with a border that says what the test wants: what it is shown and what not, and
 * what becomes of each answer.
 */
#include "fixture_txn.h"

/** A border that says this of whatever it is shown. */
static struct {
    enum txn_exit say;
    size_t asked;
    char shown[160]; /**< "INVITE 180 …" */
    bool known;      /**< as it was said of the last one */
    char bytes[8192];
    struct hop hop;
} guard;

static enum txn_exit leaves(void *ctx, const struct hop *hop, const struct txn_leaving *what,
                            struct txn_exit_out *out)
{
    struct str bytes = what->bytes;
    struct out o;
    (void)ctx;
    out_init(&o, guard.bytes, sizeof(guard.bytes));
    for (size_t i = 0; !str_is_set(bytes) && i < what->n; i++) {
        out_str(&o, what->run[i]);
    }
    if (str_is_set(bytes)) {
        out_str(&o, bytes);
    }
    struct str all = out_str_of(&o);
    struct str rest = str_starts(all, STR("SIP/2.0 ")) ? str_from(all, 8) : all;
    size_t at = strlen(guard.shown);
    (void)snprintf(guard.shown + at, sizeof(guard.shown) - at, "%s%.*s", at > 0 ? " " : "",
                   STR_ARG(str_upto(rest, str_index(rest, ' '))));
    guard.asked++;
    guard.known = what->known;
    guard.hop = *hop;
    if (guard.say == TXN_EXIT_CHANGED) {
        CHECK(str_ends(all, STR("\r\n\r\n")));
        o.n -= 2;
        out_c(&o, "X-Border: 1\r\n\r\n");
        out->bytes = out_str_of(&o);
    }
    out->refusal = (struct txn_reply){
        .status = 403, .reason = STR("Not Over This Border"), .lines = STR("X-Why: rule\r\n")};
    return guard.say;
}

static void begin(struct fx *f, enum txn_exit say)
{
    memset(&guard, 0, sizeof(guard));
    guard.say = say;
    fx_init(f);
    f->l.border.leaves = leaves;
}

static void check_shown(const char *want)
{
    CHECK_STR(str_c(guard.shown), want);
    guard.shown[0] = '\0';
}

static bool is_changed(const struct fx *f, size_t i)
{
    return str_find(f->sent[i].bytes, STR("\r\nX-Border: 1\r\n")) < f->sent[i].bytes.n;
}

static const enum sip_method methods[] = {SIP_METHOD_INVITE, SIP_METHOD_REFER,
                                          SIP_METHOD_REGISTER, SIP_METHOD_OPTIONS,
                                          SIP_METHOD_BYE};

/** A request is shown once, with all its octets; its repetitions are the same ones. */
static void test_requests(void)
{
    for (size_t i = 0; i < 2 * ARRAY_LEN(methods); i++) {
        struct fx f;
        bool changes = i % 2 == 1;
        begin(&f, changes ? TXN_EXIT_CHANGED : TXN_EXIT_PASS);
        CHECK(fx_client(&f, methods[i / 2], TP_UDP) != NULL);
        CHECK_INT(f.sent_n, 1);
        CHECK_INT(guard.asked, 1);
        CHECK_INT(guard.hop.remote.port, 5060);
        CHECK(is_changed(&f, 0) == changes);
        if (!changes) {
            CHECK_BYTES(f.sent[0].bytes, str_c(guard.bytes));
        }
        fx_run(&f, 1600);
        CHECK(f.sent_n > 2);
        CHECK_INT(guard.asked, 1);
        CHECK_BYTES(f.sent[f.sent_n - 1].bytes, f.sent[0].bytes);
        fx_fini(&f);
    }
}

/** One that is refused never leaves: its user hears the answer, as of a server. */
static void test_refused(void)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct fx f;
        char text[64];
        begin(&f, TXN_EXIT_REFUSED);
        struct txn *t = fx_client(&f, methods[i], TP_UDP);
        CHECK(t != NULL);
        CHECK_INT(f.heard_n, 0); /* not before it has been made */
        fx_run(&f, 40000);
        CHECK_INT(f.sent_n, 0);
        CHECK_STR(str_c(fx_heard_text(&f, 0, text, sizeof(text))), "r403 g");
        CHECK_INT(guard.asked, 1);
        fx_fini(&f);
    }
}

/** Memory is out: nothing leaves, and nobody waits for ever. */
static void test_failed(void)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct fx f;
        begin(&f, TXN_EXIT_FAILED);
        struct txn *t = fx_client(&f, methods[i], TP_UDP);
        fx_run(&f, 40000);
        CHECK_INT(f.sent_n, 0);
        CHECK(t == NULL || (f.heard_n > 0 && f.heard[0].what == 'f'));
        CHECK_INT(txn_count(&f.l), 0);
        fx_fini(&f);
    }
}

/** ACK and CANCEL of a transaction are the layer's own, and say nothing of anybody's. */
static void test_own_requests(void)
{
    struct fx f;
    char text[64];
    begin(&f, TXN_EXIT_CHANGED);
    struct txn *t = fx_client(&f, SIP_METHOD_INVITE, TP_UDP);
    CHECK(fx_answer(&f, 0, 180, "tt"));
    txn_cancel(t, STR_NONE, f.now);
    fx_tick(&f);
    CHECK(fx_answer(&f, 0, 487, "tt"));
    fx_tick(&f);
    CHECK_STR(str_c(fx_sent_text(&f, 0, text, sizeof(text))), "INVITE CANCEL ACK");
    check_shown("INVITE");
    CHECK(is_changed(&f, 0) && !is_changed(&f, 1) && !is_changed(&f, 2));
    fx_run(&f, 40000);
    fx_fini(&f);
}

/** Responses are shown each, but 100; what is repeated is what left. */
static void test_responses(void)
{
    for (int changes = 0; changes < 2; changes++) {
        struct fx f;
        char text[64];
        begin(&f, changes ? TXN_EXIT_CHANGED : TXN_EXIT_PASS);
        struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){0}), *same;
        CHECK_INT(txn_reply(t, &(struct txn_reply){.status = 100}, f.now), 0);
        check_shown("");
        CHECK_INT(txn_reply(t, &(struct txn_reply){.status = 180}, f.now), 0);
        CHECK_INT(txn_reply(t, &(struct txn_reply){.status = 486}, f.now), 0);
        check_shown("180 486");
        CHECK_STR(str_c(fx_sent_text(&f, 0, text, sizeof(text))), "100 180 486");
        CHECK(!is_changed(&f, 0));
        CHECK(is_changed(&f, 1) == (changes == 1) && is_changed(&f, 2) == (changes == 1));
        CHECK_INT(fx_offer(&f, TP_UDP, (struct fx_req){0}, &same), TXN_IN_ABSORBED);
        fx_run(&f, 600);
        check_shown("");
        CHECK_BYTES(f.sent[f.sent_n - 1].bytes, f.sent[2].bytes);
        fx_run(&f, 40000);
        fx_fini(&f);
    }
}

/** What the border knows to be clean, and is sent on as it came, is not shown. */
static void test_known(void)
{
    static const char line[] = "OPTIONS sip:bob@203.0.113.9 SIP/2.0\r\n", other[] = "other";
    static const struct {
        const char *octets, *copy, *same;
        bool clean, shown, known;
    } row[] = {
        {line, NULL, line, true, false, false}, {other, line, line, true, false, false},
        {line, NULL, line, false, true, true},  {other, line, line, false, true, true},
        {line, other, other, true, true, true}, /* another start line */
        {other, NULL, line, true, true, false}, {NULL, NULL, line, true, true, false},
        {line, NULL, NULL, true, true, false},  {NULL, NULL, NULL, true, true, false},
    };
    struct str run[] = {str_make(line, sizeof(line) - 1),
                        STR("Call-ID: a\r\nCSeq: 1 OPTIONS\r\n\r\n")};
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct fx f;
        struct txn_known known = {row[i].octets, row[i].copy, row[i].clean};
        struct txn_target to = {.hop = fx_hop(TP_UDP), .same = row[i].same};
        begin(&f, TXN_EXIT_CHANGED);
        f.l.border.known = &known;
        CHECK(txn_client_new(&f.l, SIP_METHOD_OPTIONS, &to, run, 2, &fx_user, &f, f.now));
        CHECK_INT(guard.asked, row[i].shown ? 1 : 0);
        CHECK_INT(guard.known, row[i].known);
        CHECK(is_changed(&f, 0) == row[i].shown);
        CHECK(f.l.same == NULL);
        CHECK_INT(txn_send_ack(&f.l, &to, run, 2), 0);
        CHECK_INT(guard.asked, row[i].shown ? 2 : 0);
        CHECK(is_changed(&f, 1) == row[i].shown);
        fx_run(&f, 40000);
        fx_fini(&f);
    }
}

/** Without a transaction, too. */
static void test_stateless(void)
{
    struct fx f;
    struct fx_msg x;
    struct hop from = fx_hop(TP_UDP);
    begin(&f, TXN_EXIT_CHANGED);
    const struct sip_msg *m = fx_request(&x, (struct fx_req){.method = "OPTIONS"});
    CHECK_INT(txn_reply_stateless(&f.l, m, &from, &(struct txn_reply){.status = 200}), 0);
    check_shown("200");
    CHECK(is_changed(&f, 0));
    guard.say = TXN_EXIT_FAILED;
    CHECK(txn_reply_stateless(&f.l, m, &from, &(struct txn_reply){.status = 200}) != 0);
    CHECK_INT(f.sent_n, 1);
    fx_fini(&f);
}

TEST_MAIN(T(test_requests), T(test_refused), T(test_failed), T(test_own_requests),
          T(test_responses), T(test_known), T(test_stateless))
