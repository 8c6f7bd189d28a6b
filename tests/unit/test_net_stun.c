/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STUN beside SIP: the vectors of RFC 5769, what is answered and what is not, and the way over
 * a real socket.
 */
#include "kit_net.h"
#include "net/stun.h"

/** RFC 5769 §2.1: credentials, ICE attributes, a FINGERPRINT. */
#define SAMPLE_HEAD                                                                            \
    "\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"         \
    "\x80\x22\x00\x10"                                                                         \
    "STUN test client"                                                                         \
    "\x00\x24\x00\x04\x6e\x00\x01\xff\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36"         \
    "\x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20"                         \
    "\x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5" \
    "\x71\xa2"                                                                                 \
    "\x80\x28\x00\x04"
static const struct str sample = STR_INIT(SAMPLE_HEAD "\xe5\x7a\x3b\xcf");
static const struct str forged = STR_INIT(SAMPLE_HEAD "\xe5\x7a\x3b\xce");

#define ID "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
#define MAGIC "\x21\x12\xa4\x42"
static const struct str plain = STR_INIT("\x00\x01\x00\x00" MAGIC ID);

static struct str ask(struct str request, const char *from, unsigned char *buf)
{
    struct addr a;
    CHECK(addr_parse(str_c(from), &a));
    struct str guarded = test_guard(request);
    size_t n = stun_answer(guarded, &a, buf);
    test_guard_free(guarded);
    return str_make((const char *)buf, n);
}

/** RFC 5769 §2.2 and §2.3: the addresses of the sample responses, as they are coded there. */
static void test_mapped_addresses(void)
{
    unsigned char buf[STUN_ANSWER_MAX];
    CHECK_BYTES(
        ask(plain, "192.0.2.1:32853", buf),
        STR("\x01\x01\x00\x0c" MAGIC ID "\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"));
    CHECK_BYTES(ask(plain, "[2001:db8:1234:5678:11:2233:4455:6677]:32853", buf),
                STR("\x01\x01\x00\x18" MAGIC ID "\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9"
                    "\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9"));
}

/** Its FINGERPRINT is right; PRIORITY must be understood, and is ICE's. */
static void test_sample_request(void)
{
    unsigned char buf[STUN_ANSWER_MAX];
    struct str got = ask(sample, "192.0.2.1:32853", buf);
    CHECK_INT(got.n, 20 + 8 + 8 + 8);
    CHECK_BYTES(str_upto(got, 36), STR("\x01\x11\x00\x18" MAGIC ID "\x00\x09\x00\x04\x00\x00"
                                       "\x04\x14\x00\x0a\x00\x02\x00\x24\x00\x00"));
    CHECK_BYTES(str_upto(str_from(got, 36), 4), STR("\x80\x28\x00\x04"));
    CHECK_INT(ask(forged, "192.0.2.1:32853", buf).n, 0);
}

/** The same without PRIORITY, with a fingerprint of its own: answered with one. */
static void test_fingerprint_is_given_back(void)
{
    unsigned char buf[STUN_ANSWER_MAX];
    static const struct str request =
        STR_INIT("\x00\x01\x00\x08" MAGIC ID "\x80\x28\x00\x04\xfd\xf6\xae\x02");
    struct str got = ask(request, "192.0.2.1:32853", buf);
    CHECK_INT(got.n, 20 + 12 + 8);
    CHECK_BYTES(str_upto(got, 32), STR("\x01\x01\x00\x14" MAGIC ID "\x00\x20\x00\x08\x00\x01"
                                       "\xa1\x47\xe1\x12\xa6\x43"));
    CHECK_BYTES(str_from(got, 32), STR("\x80\x28\x00\x04\x7d\x28\x1f\x59"));
}

static void test_attributes_that_need_nothing(void)
{
    unsigned char buf[STUN_ANSWER_MAX];
    static const struct str known[] = {
        STR_INIT("\x00\x01\x00\x08" MAGIC ID "\x80\x22\x00\x03"
                 "abc "),                                                 /* SOFTWARE, padded */
        STR_INIT("\x00\x01\x00\x08" MAGIC ID "\xc0\x01\x00\x04\0\0\0\0"), /* may be ignored */
        STR_INIT("\x00\x01\x00\x08" MAGIC ID "\x00\x06\x00\x01"
                 "u   "), /* credentials that nobody asked for */
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        CHECK_BYTES(str_upto(ask(known[i], "192.0.2.1:1", buf), 2), STR("\x01\x01"));
    }
    static const struct str many =
        STR_INIT("\x00\x01\x00\x18" MAGIC ID "\x00\x03\x00\x00\x00\x25\x00\x00\x00\x26\x00\x00"
                 "\x00\x27\x00\x00\x00\x28\x00\x00\x00\x29\x00\x00");
    struct str got = ask(many, "192.0.2.1:1", buf);
    CHECK_BYTES(str_from(got, 28),
                STR("\x00\x0a\x00\x08\x00\x03\x00\x25\x00\x26\x00\x27")); /* four are named */
}

static void test_what_is_not_answered(void)
{
    static const struct str bad[] = {
        STR_INIT(""),
        STR_INIT("\x00\x01\x00\x00" MAGIC "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf"),
        STR_INIT("\x00\x01\x00\x00\x21\x12\xa4\x43" ID),          /* no magic */
        STR_INIT("\x40\x01\x00\x00" MAGIC ID),                    /* bits of the front */
        STR_INIT("\x00\x01\x00\x04" MAGIC ID),                    /* longer than it is */
        STR_INIT("\x00\x01\x00\x00" MAGIC ID "\0\0\0\0"),         /* shorter */
        STR_INIT("\x00\x01\x00\x02" MAGIC ID "\0\0"),             /* no multiple of four */
        STR_INIT("\x00\x11\x00\x00" MAGIC ID),                    /* an indication */
        STR_INIT("\x01\x01\x00\x00" MAGIC ID),                    /* a response */
        STR_INIT("\x00\x03\x00\x00" MAGIC ID),                    /* Allocate of TURN */
        STR_INIT("\x00\x01\x00\x04" MAGIC ID "\x80\x22\x00\x01"), /* an attribute cut off */
        STR_INIT("\x00\x01\x00\x04" MAGIC ID "\x80\x22\xff\xff"),
        STR_INIT("\x00\x01\x00\x0c" MAGIC ID "\x80\x28\x00\x04\xfd\xf6\xae\x02\x80\x22\0\0"),
        STR_INIT("OPTIONS sip:a@b SIP/2.0\r\n\r\n"),
    };
    unsigned char buf[STUN_ANSWER_MAX];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char where[16];
        (void)snprintf(where, sizeof(where), "row %zu", i);
        test_context(where);
        CHECK_INT(ask(bad[i], "192.0.2.1:1", buf).n, 0);
    }
    for (size_t n = 0; n < sample.n; n++) {
        CHECK_INT(ask(str_upto(sample, n), "192.0.2.1:1", buf).n, 0);
    }
    test_context(NULL);
}

static void test_over_a_socket(void)
{
    struct world w;
    world_init(&w, (struct net_config){0});
    int fd = client(SOCK_DGRAM, &w.udp);
    put(fd, forged);
    put(fd, plain);
    put(fd, STR("hello"));
    CHECK(until(&w, &w.inputs, 1)); /* SIP comes through, STUN does not */
    CHECK_STR(str_make(w.text, w.text_n), "hello");
    char back[64];
    CHECK_INT(receive(&w, fd, back, 32), 32);
    union net_sockaddr own;
    socklen_t len = sizeof(own);
    CHECK_INT(getsockname(fd, &own.sa, &len), 0);
    CHECK_INT((unsigned char)back[26] << 8 | (unsigned char)back[27],
              ntohs(own.in4.sin_port) ^ 0x2112);
    CHECK_INT(stats(&w).stun, 1);
    close(fd);
    world_fini(&w);
}

TEST_MAIN(T(test_mapped_addresses), T(test_sample_request), T(test_fingerprint_is_given_back),
          T(test_attributes_that_need_nothing), T(test_what_is_not_answered),
          T(test_over_a_socket))
