/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digest authentication. The input is header lines. As credentials they meet a server whose
 * secret nobody knows: it must never say OK, count each check once and remember nothing. As
 * challenges they meet the client: what it answers must be whole lines, and a server of
 * that realm must find the response right, whatever was in the challenge.
 */
#include "auth/auth.h"
#include "auth/digest.h"
#include "fuzz_env.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lookup(void *ctx, struct str user, struct auth_secret *out)
{
    out->password = *(const struct str *)ctx;
    return str_eq(user, STR("b\"ob"));
}

static void as_credentials(struct str lines)
{
    static struct fuzz_msg msg;
    struct fuzz_env f;
    struct auth_server a;
    struct str user;
    struct str password = STR("bab7e0b2c3a94bfd8cf03cbb2b7f31d0");
    fuzz_env_init(&f);
    MUST(auth_server_init(&a, &f.env, STR("r"), 4) == 0);
    a.allow_no_qop = true;
    if (fuzz_msg(&msg, "REGISTER sip:r SIP/2.0\r\n", lines)) {
        enum auth_verdict v =
            auth_server_check(&a, &msg.m, SIP_HDR_AUTHORIZATION, lookup, &password, 1, &user);
        MUST(v == AUTH_MISSING || v == AUTH_WRONG || v == AUTH_MALFORMED);
        MUST(a.missing + a.wrong + a.malformed == 1);
        MUST(!str_is_set(user));
        MUST(a.pool.in_use == 0);
    }
    auth_server_fini(&a);
    MUST(f.live == 0);
}

/* The text of a quoted-string. */
static struct str plain_of(struct str raw, char *buf)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        i += raw.p[i] == '\\' && i + 1 < raw.n;
        buf[n++] = raw.p[i];
    }
    return str_make(buf, n);
}

static void check_line(struct fuzz_env *f, struct str line, struct str password)
{
    static struct fuzz_msg msg;
    static char buf[32768];
    struct auth_server a;
    struct auth_params p;
    struct str user;
    MUST(fuzz_msg(&msg, "INVITE sip:b SIP/2.0\r\n", line));
    MUST(msg.m.hdr_count == 1);
    enum sip_hdr_id which = (enum sip_hdr_id)msg.hdr[0].id;
    MUST(which == SIP_HDR_AUTHORIZATION || which == SIP_HDR_PROXY_AUTHORIZATION);
    MUST(auth_params_parse(sip_hdr_value(&msg.m, &msg.hdr[0]), &p) == 0);
    MUST(auth_server_init(&a, &f->env, plain_of(p.realm, buf), 4) == 0);
    a.allow_no_qop = true;
    enum auth_verdict v = auth_server_check(&a, &msg.m, which, lookup, &password, 1, &user);
    if (p.nonce.n == 0) {
        MUST(v == AUTH_MISSING);
    } else if (!str_is_set(p.qop) && str_ieq(p.algorithm, STR("SHA-256"))) {
        MUST(v == AUTH_MALFORMED);
    } else {
        MUST(v == AUTH_STALE &&
             a.foreign == 1); /* right, but the nonce is not of this server */
    }
    auth_server_fini(&a);
}

static void as_challenges(struct str lines)
{
    static struct fuzz_msg msg;
    static char buf[65536], had[sizeof(buf)];
    size_t had_n = 0;
    struct fuzz_env f;
    struct out o;
    struct auth_client c = {.user = STR("b\"ob"), .password = STR("p:w")};
    fuzz_env_init(&f);
    out_init(&o, buf, sizeof(buf));
    if (!fuzz_msg(&msg, "SIP/2.0 407 Who Are You\r\n", lines)) {
        return;
    }
    for (int rounds = 0;; rounds++) {
        out_init(&o, buf, sizeof(buf));
        if (auth_client_answer(&c, &f.env, &msg.m, STR("INVITE"), STR("sip:b"),
                               str_make(had, had_n), &o) != 0) {
            MUST(o.n == 0 || o.over);
            break;
        }
        MUST(rounds < 8); /* it gives up some time */
        memcpy(had, buf, o.n);
        had_n = o.n;
        struct str rest = out_str_of(&o);
        while (rest.n > 0) {
            size_t end = str_find(rest, STR("\r\n"));
            MUST(end < rest.n);
            check_line(&f, str_upto(rest, end + 2), c.password);
            rest = str_from(rest, end + 2);
        }
    }
    MUST(f.live == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str lines = str_make((const char *)data, size);
    if (size < 16384) {
        as_credentials(lines);
        as_challenges(lines);
    }
    return 0;
}
