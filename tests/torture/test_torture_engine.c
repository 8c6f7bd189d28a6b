/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The torture messages of RFC 4475 and RFC 5118, those that broke other stacks, and the c07-sip
 * robustness set, sent to a running engine.
 *
 * What EXPECTED_*.tsv accepts is compared with what the engine answers to a trusted peer, for
 * then the request gets as far as it can; a stranger is asked who he is first. All go over UDP,
 * from the address that the top Via names when it is a number, else from 192.0.2.200. After
 * each message the engine still answers OPTIONS; phones check that whatever it passes on is
 * well formed; and in the end nothing is left.
 */
#include "expected.h"
#include "kit_torture.h"
#include "own.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

static struct world w;
static struct raw sender, probe;
static struct peer peers[3];
static struct device watson;
static uint64_t made; /**< calls, by all worlds */

/** The names that the messages ask for. */
static void tweak(struct world *world)
{
    watson = (struct device){.number = STR("watson"),
                             .uri = STR("sip:watson@example.com"),
                             .key = STR("watson@example.com"),
                             .secret.password = STR("w"),
                             .has_secret = true};
    CHECK_INT(directory_add_device(&world->directory, &watson), 0);
    peers[0] = world->peer[0];
    peers[1] = world->peer[1];
    world->directory.peers = peers;
    world->directory.peer_count = 2;
}

static void up(const char *host, bool trusted)
{
    world_up(&w, &(struct world_options){.phones = 2, .no_apps = true, .tweak = tweak});
    PHONE(&w, 1)->any_media = true;
    raw_up(&sender, &w.net, "sender", host);
    raw_up(&probe, &w.net, "probe", "10.0.9.200");
    if (trusted) {
        peers[2] = (struct peer){.name = STR("sender"), .trusted = true};
        peers[2].addr = sender.node.addr;
        peers[2].addr.port = 0;
        w.directory.peer_count = 3;
    }
}

static void down(void)
{
    made += world_stat(&w, "calls_made");
    w.hard = true; /* phones may have been called by somebody who never says more */
    world_down(&w);
    raw_down(&sender);
    raw_down(&probe);
}

/** Send as one datagram, whatever it is. */
static void send_bytes(struct str bytes)
{
    struct hop hop = vnet_hop(ENGINE(&w), TP_UDP);
    CHECK_INT(sender.node.env.open(&sender.node, &hop, STR_NONE), 0);
    CHECK_INT(sender.node.env.send(&sender.node, &hop, &bytes, 1), 0);
}

static void check_alive(void)
{
    static unsigned n;
    struct hop hop = vnet_hop(ENGINE(&w), TP_UDP);
    n++;
    raw_sendf(&probe, &hop,
              "OPTIONS sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.9.200;branch=z9hG4bKa%u\n"
              "Max-Forwards: 70\nFrom: <sip:probe@10.0.9.200>;tag=p\nTo: <sip:example.com>\n"
              "Call-ID: alive%u\nCSeq: 1 OPTIONS\n\n",
              n, n);
    world_run(&w, 50);
    size_t answers = 0;
    for (struct text_msg t = raw_take(&probe); t.m != NULL; t = raw_take(&probe)) {
        answers += t.m->status == 200;
        text_free(&t);
    }
    CHECK_INT(answers, 1);
    for (size_t i = 0; i < probe.in_n; i++) {
        free((void *)(uintptr_t)probe.in[i].p);
    }
    probe.in_n = probe.taken = 0;
}

/** The first final answer to what was sent; 0: none came. */
static unsigned answer(void)
{
    for (size_t i = 0; i < w.wire.n; i++) {
        const struct wire_packet *p = &w.wire.packet[i];
        if (p->from == ENGINE(&w) && (p->to == &sender.node || p->to == NULL) &&
            str_starts(p->bytes, STR("SIP/2.0 ")) && p->bytes.p[8] != '1') {
            return (unsigned)strtoul(p->bytes.p + 8, NULL, 10);
        }
    }
    return 0;
}

/** Did it go on, along the Route that it has? Then the answer is not ours. */
static bool was_forwarded(struct str bytes)
{
    struct str method = str_upto(bytes, str_index(bytes, ' ') + 1);
    for (size_t i = 0; i < w.wire.n; i++) {
        const struct wire_packet *p = &w.wire.packet[i];
        if (p->from == ENGINE(&w) && str_starts(p->bytes, method) &&
            !str_starts(method, STR("SIP/"))) {
            return true;
        }
    }
    return false;
}

/** @return the answer to a message from a trusted peer or a stranger; 100: it was forwarded */
static unsigned run_message(struct str bytes, bool trusted)
{
    char host[64];
    source_of(bytes, host, sizeof(host));
    up(host, trusted);
    send_bytes(bytes);
    world_run(&w, 500);
    if (PHONE(&w, 1)->s.leg != NULL) {
        (void)phone_respond(PHONE(&w, 1), 486);
    }
    world_run(&w, 500);
    unsigned status = answer();
    if (status == 0 && trusted && was_forwarded(bytes)) {
        status = 100;
    }
    check_alive();
    down();
    return status;
}

/* ---- expected answers ---- */

static void expect(const char *path, struct str class, struct str codes, bool lenient)
{
    struct str bytes = test_read_file(path);
    if (!CHECK(bytes.p != NULL)) {
        return;
    }
    if (str_ends(str_c(path), STR("ipv6-in-sdp.sip"))) {
        expected_correct_length(bytes);
    }
    unsigned status = run_message(bytes, true);
    test_context(path);
    /* where leniency is allowed a message may be taken as what it meant */
    if (!CHECK(expected_accepts(codes, status) || (lenient && status != 0))) {
        printf("#   %.*s: answered %u, expected %.*s\n", STR_ARG(class), status,
               STR_ARG(codes));
    }
    unsigned to_stranger = run_message(bytes, false);
    test_context(path);
    if (!CHECK(expected_accepts(codes, to_stranger) || to_stranger == 401 ||
               (lenient && to_stranger != 0))) {
        printf("#   a stranger was answered %u\n", to_stranger);
    }
    test_context(NULL);
    free((void *)(uintptr_t)bytes.p);
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

/* ---- no harm ---- */

static bool is_sender_heard(void)
{
    for (size_t i = 0; i < sender.in_n; i++) {
        free((void *)(uintptr_t)sender.in[i].p);
    }
    bool any = sender.in_n > 0;
    sender.in_n = sender.taken = 0;
    return any;
}

typedef void (*play_fn)(struct str bytes);

/** All files of a folder to one engine each time; then everything runs out. @return how many */
static size_t run_folder(const char *dir, const char *folder, play_fn play, bool trusted,
                         size_t batch)
{
    static char path[1024], context[1024];
    size_t n;
    snprintf(path, sizeof(path), "%s/%s", dir, folder);
    char **names = list_folder(path, &n);
    for (size_t i = 0; i < n; i++) {
        if (i % batch == 0) {
            up("192.0.2.200", trusted);
        }
        snprintf(context, sizeof(context), "%s/%s/%s", dir, folder, names[i]);
        struct str bytes = test_read_file(context);
        test_context(context);
        play(bytes);
        check_alive();
        (void)is_sender_heard();
        free((void *)(uintptr_t)bytes.p);
        free(names[i]);
        if (i % batch == batch - 1 || i + 1 == n) {
            test_context(context);
            w.where = context;
            down();
            test_context(NULL);
        }
    }
    free(names);
    return n;
}

static void play_message(struct str bytes)
{
    if (bytes.n <= 65535) {
        send_bytes(bytes);
    }
    world_run(&w, 100);
}

static void test_other_stacks(void)
{
    static const char *const folders[] = {"rfc5118",       "jain-sip-msg",   "jain-sip-hdr",
                                          "jain-sip-url",  "sofia-sip-msgs", "resip-RSP",
                                          "kamailio-misc", "baresip",        "rfc4475"};
    const char *dir = test_data_dir("torture");
    for (size_t i = 0; dir != NULL && i < ARRAY_LEN(folders); i++) {
        CHECK(run_folder(dir, folders[i], play_message, true, 50) > 0);
        CHECK(run_folder(dir, folders[i], play_message, false, 50) > 0);
    }
}

static void test_cve(void)
{
    const char *dir = test_data_dir("cve");
    if (dir != NULL) {
        CHECK(run_folder(dir, "messages", play_message, true, 10) > 0);
        CHECK(run_folder(dir, "messages", play_message, false, 10) > 0);
    }
}

/* ---- c07-sip ---- */

/** "LENGTH message" one after the other: what it says, then what ends it. */
static void play_template(struct str bytes)
{
    static char buf[300000];
    static unsigned number = 1;
    number++;
    while (bytes.n > 0) {
        uint32_t n = 0;
        size_t sp = str_index(bytes, ' ');
        if (!CHECK(str_to_u32(str_trim(str_upto(bytes, sp)), &n))) {
            return;
        }
        bytes = str_from(bytes, sp + 1);
        struct str filled = fill(str_upto(bytes, n), number, buf, sizeof(buf) - 64);
        bytes = str_from(bytes, n);
        if (filled.n <= 65535) {
            send_bytes(filled);
        }
        world_run(&w, 20);
    }
}

static void test_c07_sip(void)
{
    const char *dir = test_data_dir("protos");
    if (dir != NULL) {
        made = 0;
        CHECK(run_folder(dir, "c07-sip-r2", play_template, true, 250) > 3000);
        CHECK(made > 1500); /* it is not the refusals that are tested */
    }
}

/* ---- messages of our own ---- */

static void test_own(void)
{
    for (size_t i = 0; i < ARRAY_LEN(own_messages); i++) {
        const struct own *own = &own_messages[i];
        char text[2048];
        size_t n = 0;
        for (const char *p = own->text; *p != '\0'; p++) {
            if (*p == '\n') {
                text[n++] = '\r';
            }
            text[n++] = *p;
        }
        test_context(own->name);
        unsigned status = run_message(str_make(text, n), true);
        if (!CHECK(expected_accepts(str_c(own->codes), status))) {
            printf("#   %s: answered %u\n", own->name, status);
        }
    }
    test_context(NULL);
}

TEST_MAIN(T(test_own), T(test_rfc4475), T(test_rfc5118), T(test_other_stacks), T(test_cve),
          T(test_c07_sip))
