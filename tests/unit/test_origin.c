/* SPDX-License-Identifier: Apache-2.0 */
/* Who inserted a User-to-User value: the matrix of paths that a request can have come. */
#include "border/origin.h"

#include "kit_history.h"

static struct hist k;

#define CAROL "sip:carol@example.com"
#define BOB "sip:bob@example.com"
#define ALICE "sip:alice@example.com"
#define DAVE "sip:dave@example.com"
/* the same octets, written in two ways, and others */
#define UUI "04C8FF;encoding=hex"
#define UUI_URI "User-to-User=04c8ff%3Bencoding%3Dhex%3Bpurpose%3Disdn-uui"
#define OTHER_URI "User-to-User=04FF%3Bencoding%3Dhex"
#define PRIVATE_URI "User-to-User=04C8FF%3Bencoding%3Dhex%3Bpurpose%3Dcrm"
#define HI "History-Info: "
#define HIDDEN "<sip:anonymous@anonymous.invalid"

struct row {
    const char *name;
    const char *ruri, *to;
    const char *lines;
    bool untrusted;
    const char *proven, *sealed;
    /* what is to come out */
    enum uui_role role;
    const char *identity; /* NULL: none */
    enum uui_confidence confidence;
    unsigned evidence, conflicts;
};

static const struct row requests[] = {
    {"direct", BOB, BOB, "", false, NULL, NULL, UUI_ROLE_ORIGINATOR, CAROL, UUI_TRUSTED,
     UUI_EVIDENCE_FROM, 0},
    {"direct, from nobody in particular", BOB, BOB, "", true, NULL, NULL, UUI_ROLE_ORIGINATOR,
     CAROL, UUI_CLAIMED, UUI_EVIDENCE_FROM, 0},
    {"asserted", BOB, BOB, "P-Asserted-Identity: <sip:c@pbx.example>\r\n", false, NULL, NULL,
     UUI_ROLE_ORIGINATOR, "sip:c@pbx.example", UUI_TRUSTED, UUI_EVIDENCE_ASSERTED, 0},
    {"asserted by anybody", BOB, BOB, "P-Asserted-Identity: <sip:c@pbx.example>\r\n", true,
     "sip:1001@example.com", NULL, UUI_ROLE_ORIGINATOR, "sip:1001@example.com", UUI_PROVEN,
     UUI_EVIDENCE_PROVEN, 0},
    {"proxies on the way", "sip:bob@192.0.2.4", BOB,
     HI "<" BOB ">;index=1, <sip:bob@192.0.2.4>;index=1.1;rc=1\r\n", false, NULL, NULL,
     UUI_ROLE_ORIGINATOR, CAROL, UUI_TRUSTED, UUI_EVIDENCE_FROM, 0},
    {"302 once", ALICE, BOB,
     HI "<" BOB "?Reason=SIP%3Bcause%3D302>;index=1, <" ALICE "?" UUI_URI
        ">;index=1.1;mp=1\r\n",
     false, NULL, NULL, UUI_ROLE_REDIRECTOR, BOB, UUI_TRUSTED, UUI_EVIDENCE_HISTORY, 0},
    {"302 once, as RFC 7433 §4.3 shows it", ALICE, BOB,
     HI "<" BOB ">;index=1\r\n" HI "<" ALICE "?Reason=SIP%3Bcause%3D302&" UUI_URI
        ">;index=1.1;rc=1\r\n",
     false, NULL, NULL, UUI_ROLE_REDIRECTOR, BOB, UUI_TRUSTED, UUI_EVIDENCE_HISTORY, 0},
    {"302 without User-to-User", ALICE, BOB,
     HI "<" BOB "?Reason=SIP%3Bcause%3D302>;index=1, <" ALICE ">;index=1.1;mp=1\r\n", false,
     NULL, NULL, UUI_ROLE_ORIGINATOR, CAROL, UUI_TRUSTED, UUI_EVIDENCE_FROM, 0},
    {"302 twice, the first one's", DAVE, BOB,
     HI "<" BOB ">;index=1, <" ALICE "?" UUI_URI ">;index=1.1;mp=1, <" DAVE
        ">;index=1.2;mp=1.1\r\n",
     false, NULL, NULL, UUI_ROLE_REDIRECTOR, BOB, UUI_TRUSTED, UUI_EVIDENCE_HISTORY, 0},
    {"302 twice, the second one's", DAVE, BOB,
     HI "<" BOB ">;index=1, <" ALICE "?" OTHER_URI
        ">;index=1.1;mp=1, <sip:alice@192.0.2.9>;index=1.1.1;rc=1.1, <" DAVE "?" UUI_URI
        ">;index=1.2;mp=1.1\r\n",
     false, NULL, NULL, UUI_ROLE_REDIRECTOR, ALICE, UUI_TRUSTED, UUI_EVIDENCE_HISTORY, 0},
    {"302 of a contact", DAVE, BOB,
     HI "<" BOB ">;index=1, <" ALICE ">;index=1.1;mp=1, <sip:a@192.0.2.9>;index=1.1.1;rc=1.1, <"
        "sip:a@192.0.2.9;x>;index=1.1.1.1;np=1.1.1, <" DAVE "?" UUI_URI
        ">;index=1.2;mp=1.1.1.1\r\n",
     false, NULL, NULL, UUI_ROLE_REDIRECTOR, ALICE, UUI_TRUSTED, UUI_EVIDENCE_HISTORY, 0},
    {"a contact of itself", DAVE, BOB,
     HI "<" BOB ">;index=1, <" ALICE ">;index=1.1;rc=1.1, <" DAVE "?" UUI_URI
        ">;index=1.2;mp=1.1\r\n",
     false, NULL, NULL, UUI_ROLE_REDIRECTOR, ALICE, UUI_TRUSTED, UUI_EVIDENCE_HISTORY, 0},
    {"302 twice, the same", DAVE, BOB,
     HI "<" BOB ">;index=1, <" ALICE "?" UUI_URI ">;index=1.1;mp=1, <" DAVE "?" UUI_URI
        ">;index=1.2;mp=1.1\r\n",
     false, NULL, NULL, UUI_ROLE_REDIRECTOR, BOB, UUI_TRUSTED, UUI_EVIDENCE_HISTORY, 0},
    {"REFER", ALICE, ALICE, "Referred-By: <" BOB ">\r\n", false, NULL, NULL, UUI_ROLE_REFERRER,
     BOB, UUI_TRUSTED, UUI_EVIDENCE_REFERRED_BY, 0},
    {"REFER with a token", ALICE, ALICE, "Referred-By: <" BOB ">;cid=\"x@y\"\r\n", true, NULL,
     NULL, UUI_ROLE_REFERRER, BOB, UUI_CLAIMED, UUI_EVIDENCE_REFERRED_BY | UUI_EVIDENCE_TOKEN,
     0},
    {"REFER, with history", ALICE, ALICE,
     "Referred-By: <" BOB ">\r\n" HI "<" BOB ">;index=1, <" ALICE "?" UUI_URI
     ">;index=1.1;mp=1\r\n",
     false, NULL, NULL, UUI_ROLE_REFERRER, BOB, UUI_TRUSTED,
     UUI_EVIDENCE_REFERRED_BY | UUI_EVIDENCE_HISTORY, 0},
    {"REFER, then 302 that inserts", DAVE, ALICE,
     "Referred-By: <" BOB ">\r\n" HI "<" ALICE ">;index=1, <" DAVE "?" UUI_URI
     ">;index=1.1;mp=1\r\n",
     false, NULL, NULL, UUI_ROLE_REDIRECTOR, ALICE, UUI_TRUSTED, UUI_EVIDENCE_HISTORY, 0},
    {"REFER, then 302 that does not", DAVE, ALICE,
     "Referred-By: <" BOB ">\r\n" HI "<" ALICE ">;index=1, <" DAVE ">;index=1.1;mp=1\r\n",
     false, NULL, NULL, UUI_ROLE_REFERRER, BOB, UUI_TRUSTED, UUI_EVIDENCE_REFERRED_BY, 0},
    {"history stripped", ALICE, BOB, "", false, NULL, NULL, UUI_ROLE_UNKNOWN, NULL,
     UUI_NOBODY_SAYS, 0, UUI_CONFLICT_LOST},
    {"history stripped, Diversion left", ALICE, ALICE,
     "Diversion: <" BOB ">;reason=unconditional\r\n", false, NULL, NULL, UUI_ROLE_UNKNOWN, NULL,
     UUI_NOBODY_SAYS, 0, UUI_CONFLICT_LOST},
    {"history cut: who redirected is gone", ALICE, BOB,
     HI "<" ALICE "?" UUI_URI ">;index=1.1;mp=1\r\n", false, NULL, NULL, UUI_ROLE_REDIRECTOR,
     NULL, UUI_NOBODY_SAYS, UUI_EVIDENCE_HISTORY, UUI_CONFLICT_GAP},
    {"history with a gap", ALICE, BOB, HI "<" BOB ">;index=1, <" ALICE ">;index=1.0.1\r\n",
     false, NULL, NULL, UUI_ROLE_ORIGINATOR, CAROL, UUI_CLAIMED, UUI_EVIDENCE_FROM,
     UUI_CONFLICT_GAP},
    {"Privacy: history, anonymous entries", ALICE, BOB,
     "Privacy: history\r\n" HI HIDDEN ">;index=1, <" ALICE ">;index=1.1;mp=1\r\n", false, NULL,
     NULL, UUI_ROLE_WITHHELD, NULL, UUI_NOBODY_SAYS, 0, 0},
    {"Privacy: history, the redirector anonymous", ALICE, BOB,
     HI HIDDEN ">;index=1, <" ALICE "?" UUI_URI ">;index=1.1;mp=1\r\n", false, NULL, NULL,
     UUI_ROLE_WITHHELD, NULL, UUI_TRUSTED, UUI_EVIDENCE_HISTORY, 0},
    {"Privacy: history, no entries", ALICE, BOB, "Privacy: id;history\r\n", false, NULL, NULL,
     UUI_ROLE_WITHHELD, NULL, UUI_NOBODY_SAYS, 0, 0},
    {"forged entry: other octets", ALICE, BOB,
     HI "<" BOB ">;index=1, <" ALICE "?" OTHER_URI ">;index=1.1;mp=1\r\n", false, NULL, NULL,
     UUI_ROLE_ORIGINATOR, CAROL, UUI_CLAIMED, UUI_EVIDENCE_FROM, UUI_CONFLICT_DIFFERS},
    {"an entry of another package", ALICE, BOB,
     HI "<" BOB ">;index=1, <" ALICE "?" PRIVATE_URI ">;index=1.1;mp=1\r\n", false, NULL, NULL,
     UUI_ROLE_ORIGINATOR, CAROL, UUI_TRUSTED, UUI_EVIDENCE_FROM, 0},
    {"forged entry: from who is not trusted", ALICE, BOB,
     HI "<" BOB ">;index=1, <" ALICE "?" UUI_URI ">;index=1.1;mp=1\r\n", true, CAROL, NULL,
     UUI_ROLE_ORIGINATOR, CAROL, UUI_PROVEN, UUI_EVIDENCE_PROVEN, UUI_CONFLICT_UNTRUSTED},
    {"unreadable history", ALICE, BOB, HI "<" BOB "\r\n", false, NULL, NULL,
     UUI_ROLE_ORIGINATOR, CAROL, UUI_CLAIMED, UUI_EVIDENCE_FROM, UUI_CONFLICT_UNREADABLE},
    {"sealed by the sender", BOB, BOB, "", true, NULL, CAROL, UUI_ROLE_ORIGINATOR, CAROL,
     UUI_PROVEN, UUI_EVIDENCE_FROM | UUI_EVIDENCE_SEAL, 0},
    {"sealed by another", BOB, BOB, "", false, NULL, "sip:crm@example.com", UUI_ROLE_ORIGINATOR,
     "sip:crm@example.com", UUI_PROVEN, UUI_EVIDENCE_FROM | UUI_EVIDENCE_SEAL,
     UUI_CONFLICT_SEAL},
    {"history stripped, but sealed", ALICE, BOB, "", false, NULL, BOB, UUI_ROLE_UNKNOWN, BOB,
     UUI_PROVEN, UUI_EVIDENCE_SEAL, UUI_CONFLICT_LOST},
};

static const struct sip_msg *request(const struct row *r)
{
    int n = snprintf(k.text, sizeof(k.text),
                     "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
                     "From: <" CAROL ">;tag=1\r\nTo: <%s>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
                     "User-to-User: " UUI "\r\n%sContent-Length: 0\r\n\r\n",
                     r->ruri, r->to, r->lines);
    CHECK(n > 0 && (size_t)n < sizeof(k.text));
    CHECK(kit_index(&k.msg, str_make(k.text, (size_t)n)));
    return &k.msg.m;
}

static struct origin_args args_of(const struct row *r, struct uui_value *v)
{
    CHECK_INT(uui_parse(STR(UUI), NULL, &k.arena, v), 0);
    return (struct origin_args){.m = request(r),
                                .value = v,
                                .trusted = !r->untrusted,
                                .proven = str_c(r->proven),
                                .sealed = str_c(r->sealed)};
}

static void check_origin(const struct uui_origin *o, const struct row *r)
{
    CHECK_STR(str_c(uui_role_text((enum uui_role)o->role)), uui_role_text(r->role));
    if (r->identity != NULL) {
        CHECK_STR(o->identity, r->identity);
    } else {
        CHECK(!str_is_set(o->identity));
    }
    CHECK_INT(o->confidence, r->confidence);
    CHECK_INT(o->evidence, r->evidence);
    CHECK_INT(o->conflicts, r->conflicts);
}

static void test_requests(void)
{
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        const struct row *r = &requests[i];
        struct uui_origin o;
        struct uui_value v;
        hist_init(&k);
        test_context(r->name);
        struct origin_args q = args_of(r, &v);
        CHECK_INT(origin_of(&k.arena, &q, &o), 0);
        check_origin(&o, r);
        hist_fini(&k);
    }
    test_context(NULL);
}

static void test_responses(void)
{
    struct uui_origin o;
    struct uui_value v;
    hist_init(&k);
    REQUIRE(uui_parse(STR(UUI), NULL, &k.arena, &v) == 0);
    struct origin_args q = {
        .m = hist_text(&k, "SIP/2.0 200 OK", "INVITE", ""), .value = &v, .trusted = true};
    CHECK_INT(origin_of(&k.arena, &q, &o), 0);
    CHECK_INT(o.role, UUI_ROLE_ANSWERER);
    CHECK_STR(o.identity, "sip:b@x");
    CHECK_INT(o.evidence, UUI_EVIDENCE_FROM);
    q.m = hist_text(&k, "SIP/2.0 200 OK", "INVITE", /* connected identity, and a history */
                    "P-Asserted-Identity: <" DAVE ">\r\n" HI "<" BOB ">;index=1, <" ALICE
                    "?" UUI_URI ">;index=1.1;mp=1\r\n");
    CHECK_INT(origin_of(&k.arena, &q, &o), 0);
    CHECK_INT(o.role, UUI_ROLE_ANSWERER);
    CHECK_STR(o.identity, DAVE);
    q.trusted = false;
    CHECK_INT(origin_of(&k.arena, &q, &o), 0);
    CHECK_STR(o.identity, "sip:b@x");
    CHECK_INT(o.confidence, UUI_CLAIMED);
    hist_fini(&k);
}

static void test_anonymous(void)
{
    struct uui_origin o;
    struct uui_value v;
    hist_init(&k);
    REQUIRE(uui_parse(STR(UUI), NULL, &k.arena, &v) == 0);
    struct origin_args q = {
        .m = hist_invite(&k, BOB, "P-Asserted-Identity: <sip:anonymous@anonymous.invalid>\r\n"),
        .value = &v,
        .trusted = true};
    CHECK_INT(origin_of(&k.arena, &q, &o), 0);
    CHECK_INT(o.role, UUI_ROLE_ORIGINATOR);
    CHECK(o.anonymous && !str_is_set(o.identity));
    hist_fini(&k);
}

static void test_names(void)
{
    unsigned bits = UUI_EVIDENCE_FROM | UUI_EVIDENCE_SEEN;
    CHECK_STR(str_c(uui_evidence_next(&bits)), "from");
    CHECK_STR(str_c(uui_evidence_next(&bits)), "seen");
    CHECK(uui_evidence_next(&bits) == NULL && bits == 0);
    bits = UUI_CONFLICT_GAP;
    CHECK_STR(str_c(uui_conflict_next(&bits)), "historyGap");
    CHECK(uui_conflict_next(&bits) == NULL);
    CHECK_STR(str_c(uui_role_text(UUI_ROLE_COUNT)), "unknown");
    CHECK_STR(str_c(uui_confidence_text(UUI_NOBODY_SAYS)), "none");
    CHECK_STR(str_c(uui_confidence_text(UUI_PROVEN)), "proven");
}

static void test_memory(void)
{
    size_t failures = 0;
    for (size_t at = 1; at < 20; at++) {
        struct uui_origin o;
        struct uui_value v;
        hist_init(&k);
        arena_fini(&k.arena);
        arena_init(&k.arena, &k.mem.mem, 32); /* so that nearly every step needs memory */
        struct origin_args q = args_of(&requests[6], &v);
        k.mem.fail_at = k.mem.calls + at;
        int err = origin_of(&k.arena, &q, &o);
        CHECK(err == 0 || err == E_NOMEM);
        CHECK_INT(o.role, err == 0 ? UUI_ROLE_REDIRECTOR : UUI_ROLE_UNKNOWN);
        failures += err == E_NOMEM;
        hist_fini(&k);
    }
    CHECK(failures > 0);
}

TEST_MAIN(T(test_requests), T(test_responses), T(test_anonymous), T(test_names), T(test_memory))
