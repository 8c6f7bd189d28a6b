/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of real systems, as a server gets them: every request of the collection is sent to a
 * session and answered once, in words of CSTA; frames, application sessions and SIP messages
 * are taken apart as far as the CSTA in them. (test_csta_samples.c is about the codec.)
 */
#include "fixture_cti.h"

#include "base/err.h"
#include "csta/appl.h"
#include "csta/frame.h"
#include "cti/sip.h"
#include "sip_helpers.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

typedef void (*sample_fn)(void *ctx, const char *path, struct str text);

/** Each file below `folder` whose name ends so. @return how many */
static unsigned each_sample(const char *folder, const char *end, sample_fn fn, void *ctx)
{
    unsigned n = 0;
    struct dirent *entry;
    DIR *dir = opendir(folder);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char path[1024];
        int len = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.' || len < 0 || (size_t)len >= sizeof(path)) {
            continue;
        }
        struct str text = STR_NONE;
        if (str_ends(str_c(path), str_c(end))) {
            text = test_read_file(path);
        }
        if (text.p != NULL) {
            test_context(path);
            fn(ctx, path, text);
            test_context(NULL);
            free((void *)(uintptr_t)text.p);
            n++;
        } else {
            n += each_sample(path, end, fn, ctx);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return n;
}

/* ---- requests ---- */

struct serving {
    struct office *o;
    unsigned answered, refused, unsupported;
};

/** What is only sent, and what needs mailboxes or phones, which this office has not. */
static bool is_none_of_ours(enum csta_msg_id id)
{
    return id == CSTA_MSG_SWITCHING_FUNCTION_DEVICES ||
           id == CSTA_MSG_GET_MESSAGE_WAITING_INDICATOR || only_phones_have(id) ||
           id == CSTA_MSG_SET_MESSAGE_WAITING_INDICATOR;
}

static void serve(void *ctx, const char *path, struct str text)
{
    struct serving *s = ctx;
    struct client *c = &s->o->client[0];
    struct arena a;
    struct csta_msg msg = {0};
    char body[8192];
    (void)path;
    arena_init(&a, &mem_libc, 4096);
    int err = csta_decode(text, NULL, &a, &msg, NULL);
    bool known = err == 0 && csta_msg_is_supported(msg.id) && !is_none_of_ours(msg.id);
    bool request = msg.id != CSTA_MSG_NONE && csta_msg_role(msg.id) == CSTA_ROLE_REQUEST;
    arena_fini(&a);
    if (!request || msg.id == CSTA_MSG_SYSTEM_STATUS || text.n >= sizeof(body)) {
        return; /* SystemStatus has an empty answer */
    }
    (void)snprintf(body, sizeof(body), "%.*s", STR_ARG(text));
    client_clear(c);
    client_send(c, "INFO", "application/csta+xml", body);
    office_run(s->o, 50);
    bool positive = test_count(c->log, "A:") == 1;
    bool unsupported = test_count(c->log, "X:operation/serviceNotSupported") == 1;
    CHECK(positive || test_count(c->log, "X:") == 1 || msg.id == CSTA_MSG_ROUTE_END);
    CHECK_INT(test_count(c->log, "S:4"), 0);
    CHECK(known || !positive);
    CHECK(!known || !unsupported);
    s->answered += positive;
    s->unsupported += unsupported;
    s->refused += !positive && !unsupported;
}

static void test_samples_are_served(void)
{
    const char *dir = test_data_dir("csta");
    if (dir == NULL) {
        return;
    }
    struct serving s = {.o = office_up(NULL, TP_UDP)};
    s.o->calls.config.focus = STR("sip:192.0.2.9"); /* for conferences */
    client_open(&s.o->client[0], "crm", STATUS_REQUEST);
    CHECK(each_sample(dir, ".xml", serve, &s) > 100);
    printf("# %u answered, %u refused for what they ask, %u not served\n", s.answered,
           s.refused, s.unsupported);
    CHECK(s.answered > 0 && s.refused > 20 && s.unsupported > 0);
    office_down(s.o);
}

/* ---- application sessions ---- */

static const struct {
    const char *name;
    enum csta_appl_kind kind;
} appl_names[] = {
    {"StartApplicationSession.xml", CSTA_APPL_START},
    {"StartApplicationSessionPosResponse.xml", CSTA_APPL_START_POS},
    {"StartApplicationSessionNegResponse.xml", CSTA_APPL_START_NEG},
    {"ResetApplicationSessionTimer.xml", CSTA_APPL_RESET},
    {"StopApplicationSession.xml", CSTA_APPL_STOP},
};

static void read_appl(void *ctx, const char *path, struct str text)
{
    unsigned *n = ctx;
    enum csta_appl_kind want = CSTA_APPL_NONE;
    struct csta_appl m = {0};
    struct arena a;
    for (size_t i = 0; i < ARRAY_LEN(appl_names); i++) {
        if (str_ends(str_c(path), str_c(appl_names[i].name))) {
            want = appl_names[i].kind;
        }
    }
    arena_init(&a, &mem_libc, 4096);
    int err = csta_appl_read(text, 0, &a, &m);
    CHECK_INT(m.kind, want);
    CHECK(want == CSTA_APPL_NONE || err == 0);
    *n += want != CSTA_APPL_NONE;
    arena_fini(&a);
}

static void test_samples_of_sessions(void)
{
    const char *dir = test_data_dir("csta");
    unsigned n = 0;
    if (dir != NULL) {
        (void)each_sample(dir, ".xml", read_appl, &n);
        CHECK(n >= 8);
    }
}

/* ---- frames ---- */

static void read_frames(void *ctx, const char *path, struct str text)
{
    unsigned *n = ctx;
    struct csta_frame f;
    struct arena a;
    struct csta_msg msg;
    struct csta_appl appl = {0};
    size_t used = 0;
    (void)path;
    while (text.n > 0 && CHECK(csta_frame_next(text, &f, &used) == CSTA_FRAME_WHOLE)) {
        arena_init(&a, &mem_libc, 4096);
        bool is_appl = csta_appl_read(f.xml, 0, &a, &appl) == 0 && appl.kind != CSTA_APPL_NONE;
        CHECK(is_appl || csta_decode(f.xml, NULL, &a, &msg, NULL) == 0);
        CHECK_INT(f.invoke == CSTA_INVOKE_EVENT,
                  !is_appl && csta_msg_role(msg.id) == CSTA_ROLE_EVENT);
        arena_fini(&a);
        text = str_from(text, used);
        ++*n;
    }
}

static void test_samples_of_frames(void)
{
    const char *dir = test_data_dir("csta/samples/framing");
    unsigned n = 0;
    if (dir != NULL) {
        CHECK_INT(each_sample(dir, ".bin", read_frames, &n), 5);
        CHECK_INT(n, 6);
    }
}

/* ---- SIP ---- */

static void read_sip(void *ctx, const char *path, struct str text)
{
    unsigned *n = ctx;
    struct arena a;
    struct sip_parsed p;
    struct csta_msg msg;
    arena_init(&a, &mem_libc, 4096);
    if (CHECK_INT(sip_test_judge(&p, text), 0)) {
        struct content c = content_of(&p.m);
        bool empty = sip_msg_body(&p.m).n == 0;
        bool wants_csta = strstr(path, "93-415") == NULL;
        CHECK_INT(c.kind == CONTENT_CSTA, !empty && wants_csta);
        if (c.kind == CONTENT_CSTA) {
            CHECK_INT(csta_decode(c.csta, NULL, &a, &msg, NULL), 0);
            ++*n;
        }
    }
    arena_fini(&a);
}

static void test_samples_of_sip(void)
{
    const char *dir = test_data_dir("csta/samples");
    unsigned n = 0;
    if (dir != NULL) {
        CHECK(each_sample(dir, ".sip", read_sip, &n) > 30);
        CHECK(n > 20);
    }
}

TEST_MAIN(T(test_samples_are_served), T(test_samples_of_sessions), T(test_samples_of_frames),
          T(test_samples_of_sip))
