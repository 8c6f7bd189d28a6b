/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The torture messages through the proxy role: RFC 4475 and RFC 5118, those that broke other
 * stacks, PROTOS. What passes index and check is forwarded, or refused with a reason; what is
 * forwarded is well formed, has its body octet for octet, and every line but those that a proxy
 * must change, in order and as it was written.
 */
#include "kit_proxy.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static struct px x;
static struct fx_msg m, copy;
static size_t forwarded, refused;

/** Octets of one header line, folds and CRLF included. */
static struct str line_of(const struct sip_msg *msg, unsigned i)
{
    uint32_t from = msg->hdr[i].name_off;
    uint32_t to = i + 1 < msg->hdr_count ? msg->hdr[i + 1].name_off : msg->head_len - 2;
    return str_make(msg->buf + from, to - from);
}

static bool may_change(const struct sip_msg *msg, unsigned i)
{
    const struct sip_hdr *h = &msg->hdr[i];
    return h->id == SIP_HDR_MAX_FORWARDS || h->id == SIP_HDR_MAX_BREADTH ||
           h->id == SIP_HDR_ROUTE || h == sip_msg_line(msg, SIP_HDR_VIA);
}

static void check_copy(const struct sip_msg *in, const struct sip_msg *out)
{
    struct sip_fault fault;
    struct str rest = str_make(out->buf, out->head_len);
    CHECK_INT(sip_msg_check(out, &sip_limits_default, &fault), 0);
    CHECK_BYTES(sip_msg_body(out), sip_msg_body(in));
    for (unsigned i = 0; i < in->hdr_count; i++) {
        struct str line = line_of(in, i);
        if (!may_change(in, i)) {
            size_t at = str_find(rest, line);
            CHECK(at < rest.n);
            rest = str_from(rest, at + line.n);
        }
    }
}

/** @return 0: not a request that we would look at */
static unsigned run(struct str bytes)
{
    struct sip_fault fault;
    struct hop from = {1, TP_UDP, fx_addr("192.0.2.200:5060")};
    m.m.hdr = m.hdr;
    if (bytes.n > sizeof m.buf) {
        return 0;
    }
    memcpy(m.buf, bytes.p, bytes.n);
    if (sip_msg_index(&m.m, str_make(m.buf, bytes.n), true, &sip_limits_default, &fault) != 0 ||
        sip_msg_check(&m.m, &sip_limits_default, &fault) != 0) {
        return 0;
    }
    px_init(&x);
    (void)kit_dns_add(&x.fx.zone, "example.com", "A 203.0.113.7");
    px_target(&x, 1, 0);
    px_target(&x, 2, 0);
    x.plan.record_route = true;
    px_in_from(&x, &m.m, &from);
    unsigned sent = (unsigned)x.fx.sent_n;
    for (size_t i = 0; i < x.fx.sent_n; i++) {
        const struct sip_msg *out = fx_sent_msg(&x.fx, i, &copy);
        if (sip_is_request(out)) {
            check_copy(&m.m, out);
            forwarded++;
        } else {
            refused++;
        }
    }
    px_end(&x);
    return sent;
}

static void run_file(const char *path)
{
    struct str bytes = test_read_file(path);
    test_context(path);
    if (bytes.p != NULL) {
        (void)run(bytes);
    }
    free((void *)(uintptr_t)bytes.p);
}

static void run_folder(const char *set, const char *folder)
{
    char path[1024];
    const char *dir = test_data_dir(set);
    if (dir == NULL) {
        return;
    }
    snprintf(path, sizeof path, "%s/%s", dir, folder);
    DIR *d = opendir(path);
    if (!CHECK(d != NULL)) {
        return;
    }
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (e->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s/%s", dir, folder, e->d_name);
            run_file(path);
        }
    }
    closedir(d);
    test_context(NULL);
}

static void test_rfc4475(void)
{
    forwarded = 0;
    run_folder("torture", "rfc4475");
    CHECK(forwarded >= 10 || test_data_dir("torture") == NULL);
}

static void test_rfc5118(void)
{
    forwarded = 0;
    run_folder("torture", "rfc5118-wire");
    CHECK(forwarded >= 3 || test_data_dir("torture") == NULL);
}

static void test_other_stacks(void)
{
    static const char *const folders[] = {"jain-sip-msg", "sofia-sip-msgs", "resip-RSP",
                                          "kamailio-misc", "baresip"};
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        run_folder("torture", folders[i]);
    }
}

static void test_cve(void)
{
    run_folder("cve", "messages");
}

static void test_protos(void)
{
    refused = forwarded = 0;
    run_folder("protos", "c07-sip-r2");
}

TEST_MAIN(T(test_rfc4475), T(test_rfc5118), T(test_other_stacks), T(test_cve), T(test_protos))
