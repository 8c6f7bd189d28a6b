/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The torture messages of RFC 4475 and RFC 5118, and those that broke other stacks, through
 * index and check, as datagrams in buffers that end at a guard page.
 *
 * EXPECTED_*.tsv says per file what class it is of and which codes an element may answer.
 * What can be decided without a role is decided here: a valid message raises no fault; an
 * invalid request raises one with an acceptable code, or none where lenience is allowed; an
 * invalid response is to be dropped. All other sets must do no harm: no read outside, the
 * same verdict twice, and every view of what was indexed comes back.
 */
#include "expected.h"
#include "test.h"

#include "base/err.h"
#include "sip/hdr.h"
#include "sip/msg.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

struct verdict {
    int err;
    struct sip_fault fault;
};

/* Touch everything that an index gives access to. */
static size_t view_all(const struct sip_msg *m)
{
    size_t sum = sip_msg_body(m).n + sip_msg_ruri(m).n;
    uint32_t at;
    for (unsigned i = 0; i < m->hdr_count; i++) {
        struct str v = sip_hdr_value(m, &m->hdr[i]);
        struct str element;
        while (sip_list_next(&v, &element)) {
            struct sip_via via;
            struct sip_addr addr;
            struct sip_cseq cseq;
            struct sip_uri uri;
            sum += (size_t)(sip_via_parse(element, &via, &at) == 0);
            sum += (size_t)(sip_cseq_parse(element, &cseq, &at) == 0);
            sum += (size_t)(sip_uri_parse(element, 0, &uri, &at) == 0);
            if (sip_addr_parse(element, &addr, &at) == 0) {
                sum += sip_addr_tag(&addr).n + (size_t)sip_uri_eq(&addr.uri, &addr.uri);
            }
        }
    }
    return sum;
}

static struct verdict judge(struct str bytes)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct verdict v;
    v.err = sip_msg_index(&m, bytes, true, &sip_limits_default, &v.fault);
    (void)view_all(&m); /* for the guard page and the sanitizers */
    if (v.err == 0) {
        v.err = sip_msg_check(&m, &sip_limits_default, &v.fault);
    }
    return v;
}

/* Judge twice in guarded copies; the verdicts agree. */
static struct verdict judge_guarded(struct str bytes)
{
    struct str g = test_guard(bytes);
    struct verdict a = judge(g);
    struct verdict b = judge(g);
    CHECK_INT(a.err, b.err);
    CHECK_INT(a.fault.status, b.fault.status);
    CHECK_INT(a.fault.at, b.fault.at);
    CHECK(a.err == 0 || (a.fault.reason != NULL && a.fault.at <= bytes.n));
    test_guard_free(g);
    return a;
}

/*
 * RFC 5118 §4.6 prints "Content-Length: 268" over a body of 251 octets. As printed that is
 * the fault of RFC 4475 §3.1.2.2, not what the section is about: set the length right.
 */
static void correct_length(struct str bytes)
{
    CHECK_INT(judge_guarded(bytes).fault.status, 400);
    expected_correct_length(bytes);
}

static struct verdict judge_file(const char *path)
{
    struct str bytes = test_read_file(path);
    struct verdict v = {0};
    test_context(path);
    if (CHECK(bytes.p != NULL)) {
        if (str_ends(str_c(path), STR("rfc5118-wire/ipv6-in-sdp.sip"))) {
            correct_length(bytes);
        }
        v = judge_guarded(bytes);
    }
    free((void *)(uintptr_t)bytes.p);
    return v;
}

/* ---------------------------------------------------------------- expected verdicts */

static void expect(const char *path, struct str class, struct str codes, bool lenient)
{
    struct verdict v = judge_file(path);
    if (str_eq(class, STR("valid")) || str_eq(class, STR("valid-response"))) {
        CHECK_INT(v.err, 0);
        if (v.err != 0) {
            printf("#   %s at %u\n", v.fault.reason, v.fault.at);
        }
    } else if (str_eq(class, STR("invalid-response"))) {
        CHECK(v.err != 0);
        CHECK_INT(v.fault.status, 0);
    } else if (str_eq(class, STR("invalid"))) {
        CHECK(v.err != 0 || lenient);
        CHECK(v.err == 0 || expected_accepts(codes, v.fault.status));
    } else {
        /* semantic: the answer may need a role, but a fault raised here must fit */
        CHECK(v.err == 0 || expected_accepts(codes, v.fault.status));
    }
}

static void test_rfc4475(void)
{
    if (test_data_dir("torture") != NULL) {
        CHECK(expected_table("EXPECTED_rfc4475.tsv", "rfc4475", "", true, expect) >= 33);
    }
}

static void test_rfc5118(void)
{
    if (test_data_dir("torture") != NULL) {
        CHECK(expected_table("EXPECTED_rfc5118.tsv", "rfc5118-wire", ".sip", false, expect) >=
              8);
    }
}

/* ------------------------------------------------------------------------- no harm */

static unsigned run_folder(const char *dir, const char *folder)
{
    char path[1024];
    unsigned count = 0;
    snprintf(path, sizeof(path), "%s/%s", dir, folder);
    DIR *d = opendir(path);
    if (d == NULL) {
        return 0;
    }
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (e->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s/%s", dir, folder, e->d_name);
            (void)judge_file(path); /* any verdict will do */
            count++;
        }
    }
    closedir(d);
    test_context(NULL);
    return count;
}

static void test_other_stacks(void)
{
    static const char *const folders[] = {"rfc5118",       "jain-sip-msg",   "jain-sip-hdr",
                                          "jain-sip-url",  "sofia-sip-msgs", "resip-RSP",
                                          "kamailio-misc", "baresip"};
    const char *dir = test_data_dir("torture");
    for (size_t i = 0; dir != NULL && i < sizeof(folders) / sizeof(folders[0]); i++) {
        CHECK(run_folder(dir, folders[i]) > 0);
    }
}

static void test_protos(void)
{
    const char *dir = test_data_dir("protos");
    if (dir != NULL) {
        CHECK(run_folder(dir, "c07-sip-r2") > 0);
    }
}

static void test_cve(void)
{
    const char *dir = test_data_dir("cve");
    if (dir != NULL) {
        CHECK(run_folder(dir, "messages") > 0);
    }
}

TEST_MAIN(T(test_rfc4475), T(test_rfc5118), T(test_other_stacks), T(test_protos), T(test_cve))
