/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP over a UNIX socket, by libcurl. One handle, one request at a time.
 *
 * COMPLAINTS. A server that is not there is the most frequent one, and said in words with the
 * name of the socket; what the server refuses is an RFC 9457 problem, of which the sentence is
 * shown (docs/api.md).
 */
#include "cli/control.h"
#include "cli/help.h"
#include "client/sse.h"
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { TIMEOUT_S = 40, ANSWER_MAX = 64 << 20, LONGEST_PAUSE_MS = 10000 };

/* ---- where ---- */

static bool there(const char *folder, const char *name, char *out, size_t cap)
{
    int n = folder == NULL ? -1 : snprintf(out, cap, "%s%s", folder, name);
    return n > 0 && (size_t)n < cap && access(out, F_OK) == 0;
}

void control_default_socket(char *out, size_t cap)
{
    const char *named = getenv("BATON_SOCKET");

    if (named != NULL && named[0] != '\0') {
        (void)snprintf(out, cap, "%s", named);
    } else if (!there(getenv("RUNTIME_DIRECTORY"), "/control", out, cap) &&
               !there(getenv("XDG_RUNTIME_DIR"), "/baton/control", out, cap)) {
        (void)snprintf(out, cap, "/run/baton/control");
    }
}

bool control_path(char *path, size_t cap, const char *prefix, const char *text,
                  const char *suffix)
{
    size_t n = strlen(prefix), tail = strlen(suffix);
    if (n + tail >= cap) {
        return false;
    }
    memcpy(path, prefix, n);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
                     strchr("-._~", c) != NULL;
        if (n + 3 + tail >= cap) {
            return false;
        }
        n += (size_t)snprintf(path + n, cap - n, plain ? "%c" : "%%%02X", c);
    }
    memcpy(path + n, suffix, tail + 1);
    return true;
}

/* ---- life ---- */

int control_open(struct control *c, const char *command, const char *socket, FILE *err)
{
    *c = (struct control){.command = command, .err = err};
    if (socket == NULL) {
        control_default_socket(c->socket, sizeof(c->socket));
    } else if ((size_t)snprintf(c->socket, sizeof(c->socket), "%s", socket) >=
               sizeof(c->socket)) {
        fprintf(err, "baton %s: --socket: the name is too long for a socket\n", command);
        return EXIT_CODE_USAGE;
    }
    c->curl = curl_easy_init();
    if (c->curl == NULL) {
        fprintf(err, "baton %s: out of memory\n", command);
        return EXIT_CODE_FAILED;
    }
    return EXIT_CODE_OK;
}

bool control_listens(const char *socket_name)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int n = snprintf(at.sun_path, sizeof(at.sun_path), "%s", socket_name);
    int fd = n > 0 && (size_t)n < sizeof(at.sun_path)
                 ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)
                 : -1;
    bool listens =
        fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)&at, sizeof(at)) == 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    return listens;
}

void control_close(struct control *c)
{
    curl_easy_cleanup(c->curl);
    c->curl = NULL;
}

void control_answer_free(struct control_answer *a)
{
    json_decref(a->json);
    free(a->text);
    *a = (struct control_answer){0};
}

/* ---- one exchange ---- */

/** What comes back: into memory, a file, or a reader of events. */
struct taking {
    struct control_answer *answer;
    FILE *file;         /**< of a body that was not refused; NULL: memory */
    struct sse *events; /**< of a stream; NULL: it is none */
    CURL *curl;
    bool failed; /**< too much, or the file cannot be written */
};

static bool keep(struct control_answer *a, const char *p, size_t n)
{
    if (a->n + n > ANSWER_MAX) {
        return false;
    }
    char *more = realloc(a->text, a->n + n + 1);
    if (more == NULL) {
        return false;
    }
    memcpy(more + a->n, p, n);
    a->text = more;
    a->n += n;
    a->text[a->n] = '\0';
    return true;
}

static size_t on_body(char *p, size_t size, size_t count, void *ctx)
{
    struct taking *t = ctx;
    size_t n = size * count;
    long status = 0;

    (void)curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 300 && t->events != NULL) {
        return sse_read(t->events, str_make(p, n)) ? n : 0;
    }
    if (status < 300 && t->file != NULL) {
        t->failed = fwrite(p, 1, n, t->file) != n;
    } else {
        t->failed = !keep(t->answer, p, n);
    }
    return t->failed ? 0 : n;
}

static size_t on_header(char *p, size_t size, size_t count, void *ctx)
{
    struct taking *t = ctx;
    struct str line = str_make(p, size * count), name = STR("location:");

    if (str_istarts(line, name)) {
        struct str value = str_trim(str_from(line, name.n));
        (void)snprintf(t->answer->location, sizeof(t->answer->location), "%.*s",
                       STR_ARG(value));
    }
    return line.n;
}

/** @return CURLE_OK or what was not to be had */
static CURLcode exchange(struct control *c, const char *method, const char *path,
                         const char *body, const char *const *fields, long timeout_s,
                         struct taking *t)
{
    struct curl_slist *list = NULL;
    char *url = NULL;
    CURL *e = c->curl;
    CURLcode code = CURLE_OUT_OF_MEMORY;
    int n = asprintf(&url, "http://localhost%s", path);

    if (n < 0) {
        return code;
    }
    for (; *fields != NULL; fields++) {
        list = curl_slist_append(list, *fields);
    }
    if (body != NULL) {
        list = curl_slist_append(list, "Content-Type: application/json");
    }
    t->curl = e;
    curl_easy_reset(e);
    (void)curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, c->socket);
    (void)curl_easy_setopt(e, CURLOPT_URL, url);
    (void)curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(e, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(e, CURLOPT_TIMEOUT, timeout_s);
    (void)curl_easy_setopt(e, CURLOPT_HTTPHEADER, list);
    (void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    (void)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
    if (body != NULL) {
        (void)curl_easy_setopt(e, CURLOPT_POSTFIELDS, body);
    }
    (void)curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
    code = curl_easy_perform(e);
    (void)curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &t->answer->status);
    curl_slist_free_all(list);
    free(url);
    return code;
}

/* ---- complaints ---- */

static int cannot(const struct control *c, CURLcode code)
{
    long number = 0;
    FILE *err = c->err;

    (void)curl_easy_getinfo(c->curl, CURLINFO_OS_ERRNO, &number);
    if (code == CURLE_OPERATION_TIMEDOUT) {
        fprintf(
            err,
            "baton %s: the server is there, at %s, but does not answer: it is stopped, or has "
            "more to do than it can. Its log and `systemctl status baton` may say why.\n",
            c->command, c->socket);
    } else if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY) {
        fprintf(err, "baton %s: what listens at %s is no Baton: it does not speak HTTP.\n",
                c->command, c->socket);
    } else if (code != CURLE_COULDNT_CONNECT) {
        fprintf(err, "baton %s: %s: %s\n", c->command, c->socket, curl_easy_strerror(code));
    } else if (access(c->socket, F_OK) != 0 && errno == ENOENT) {
        fprintf(err,
                "baton %s: the server is not running, or listens elsewhere: there is no %s. "
                "--socket or $BATON_SOCKET names another; `api.listen` of its configuration "
                "says where it listens.\n",
                c->command, c->socket);
    } else if (number == EACCES || number == EPERM || errno == EACCES) {
        fprintf(err, "baton %s: %s is not for this user: be root, or the server's user.\n",
                c->command, c->socket);
    } else {
        fprintf(err,
                "baton %s: the server is not running: nobody listens at %s, which an earlier "
                "one has left.\n",
                c->command, c->socket);
    }
    return EXIT_CODE_FAILED;
}

/** The sentence of a problem; else what there is. */
static int refused(const struct control *c, const struct control_answer *a)
{
    const char *detail = json_string_value(json_object_get(a->json, "detail"));
    const char *title = json_string_value(json_object_get(a->json, "title"));
    const char *code = json_string_value(json_object_get(a->json, "code"));
    json_int_t sip = json_integer_value(json_object_get(a->json, "sip"));

    fprintf(c->err, "baton %s: %s", c->command,
            detail != NULL  ? detail
            : title != NULL ? title
                            : "the server refuses");
    fprintf(c->err, " (%ld%s%s", a->status, code != NULL ? ", " : "", code != NULL ? code : "");
    if (sip != 0) {
        fprintf(c->err, ", SIP %lld", (long long)sip);
    }
    fprintf(c->err, ")\n");
    return EXIT_CODE_FAILED;
}

static void read_json(struct control_answer *a)
{
    if (a->json == NULL && a->text != NULL) {
        a->json = json_loadb(a->text, a->n, JSON_ALLOW_NUL, NULL);
    }
}

static int judge(const struct control *c, CURLcode code, struct control_answer *a)
{
    if (code != CURLE_OK) {
        return cannot(c, code);
    }
    read_json(a);
    return a->status >= 200 && a->status < 300 ? EXIT_CODE_OK : refused(c, a);
}

/** What is asked for is waited for, as long as a phone may take. */
static const char *const want_json[] = {"Accept: application/json, application/problem+json",
                                        "Prefer: wait=20", NULL};

int control_ask(struct control *c, const char *method, const char *path, const char *body,
                struct control_answer *out)
{
    struct taking t = {.answer = out};
    int code = judge(c, exchange(c, method, path, body, want_json, TIMEOUT_S, &t), out);

    if (code == EXIT_CODE_OK && out->json == NULL && out->n > 0) {
        fprintf(c->err, "baton %s: the answer of the server cannot be read.\n", c->command);
        code = EXIT_CODE_FAILED;
    }
    return code;
}

int control_save(struct control *c, const char *method, const char *path, const char *body,
                 FILE *to)
{
    static const char *const anything[] = {"Accept: */*", NULL};
    struct control_answer a = {0};
    struct taking t = {.answer = &a, .file = to};
    CURLcode code = exchange(c, method, path, body, anything, 0, &t);
    int exit_code = EXIT_CODE_FAILED;

    if (t.failed) {
        fprintf(c->err, "baton %s: the file cannot be written: %s\n", c->command,
                strerror(errno));
    } else {
        exit_code = judge(c, code, &a);
    }
    control_answer_free(&a);
    return exit_code;
}

/* ---- lists ---- */

/** Move the items over. @return what stands behind `next`; NULL: that was all */
static const char *take_page(const json_t *page, json_t *items, size_t most)
{
    const json_t *list = json_object_get(page, "items");
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        if (most == 0 || json_array_size(items) < most) {
            (void)json_array_append(items, item);
        }
    }
    return most == 0 || json_array_size(items) < most
               ? json_string_value(json_object_get(page, "next"))
               : NULL;
}

int control_list(struct control *c, const char *path, size_t most, json_t **items)
{
    struct control_answer a = {0};
    char next[1024];
    int code = (size_t)snprintf(next, sizeof(next), "%s%climit=1000", path,
                                strchr(path, '?') != NULL ? '&' : '?') < sizeof(next)
                   ? EXIT_CODE_OK
                   : EXIT_CODE_USAGE;
    const char *cursor = "";
    size_t base = strlen(next);

    *items = json_array();
    while (code == EXIT_CODE_OK && cursor != NULL) {
        control_answer_free(&a);
        code = control_ask(c, "GET", next, NULL, &a);
        cursor = code == EXIT_CODE_OK ? take_page(a.json, *items, most) : NULL;
        if (cursor != NULL) {
            next[base] = '\0';
            char whole[sizeof(next)];
            memcpy(whole, next, base + 1);
            (void)strncat(whole, "&after=", sizeof(whole) - base - 1);
            if (!control_path(next, sizeof(next), whole, cursor, "")) {
                cursor = NULL;
            }
        }
    }
    control_answer_free(&a);
    return code;
}

int control_items(struct control *c, const char *path, size_t most, json_t **items)
{
    struct control_answer a = {0};
    int code = control_ask(c, "GET", path, NULL, &a);

    *items = json_array();
    if (code == EXIT_CODE_OK) {
        (void)take_page(a.json, *items, most);
    }
    control_answer_free(&a);
    return code;
}

/* ---- a stream ---- */

static void pause_ms(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&t, NULL);
}

struct following {
    control_event_fn fn;
    void *ctx;
    bool enough, came;
    json_t *problem; /**< that the server ended it with; NULL: none */
    char last[64];   /**< id of the newest event, "" before the first */
};

static bool on_event(void *ctx, const struct sse_event *e)
{
    struct following *f = ctx;

    f->came = true;
    if (str_is_set(e->id)) {
        (void)snprintf(f->last, sizeof(f->last), "%.*s", STR_ARG(e->id));
    }
    if (str_eq(e->type, STR("problem"))) {
        json_decref(f->problem);
        f->problem = json_loadb(e->data.p, e->data.n, 0, NULL);
    } else if (e->data.n > 0) {
        json_t *event = json_loadb(e->data.p, e->data.n, 0, NULL);
        f->enough = !f->fn(f->ctx, event, e->data);
        json_decref(event);
    }
    return !f->enough;
}

/** @return true: try again */
static bool follow_once(struct control *c, const char *path, struct following *f, int *code)
{
    char last[96];
    const char *fields[] = {"Accept: text/event-stream", f->last[0] != '\0' ? last : NULL,
                            NULL};
    struct control_answer a = {0};
    struct sse events;
    struct taking t = {.answer = &a, .events = &events};

    (void)snprintf(last, sizeof(last), "Last-Event-ID: %s", f->last);
    sse_init(&events, on_event, f);
    CURLcode curl = exchange(c, "GET", path, NULL, fields, 0, &t);
    sse_fini(&events);
    if (f->problem != NULL) { /* as if it had been the answer */
        a.status = (long)json_integer_value(json_object_get(f->problem, "status"));
        json_decref(a.json);
        a.json = f->problem;
        f->problem = NULL;
        curl = CURLE_OK;
    }
    read_json(&a);
    bool again = !f->enough && (curl != CURLE_OK || a.status < 300 || a.status == 503);
    if (a.status >= 300 && !again) {
        *code = refused(c, &a);
    } else if (f->enough) {
        *code = EXIT_CODE_OK;
    } else if (curl == CURLE_COULDNT_CONNECT) {
        *code = EXIT_CODE_FAILED;
    }
    control_answer_free(&a);
    return again;
}

int control_follow(struct control *c, const char *path, unsigned tries, control_event_fn fn,
                   void *ctx)
{
    struct following f = {.fn = fn, .ctx = ctx};
    unsigned failed = 0, pause = 0;
    int code = EXIT_CODE_FAILED;

    while (follow_once(c, path, &f, &code)) {
        failed = f.came ? 0 : failed + 1;
        pause = f.came ? 100 : pause * 2 + 250;
        f.came = false;
        if (tries != 0 && failed >= tries) {
            return cannot(c, CURLE_COULDNT_CONNECT);
        }
        if (failed == 1) {
            fprintf(c->err,
                    "baton %s: the connection is gone; going on when the server is "
                    "there again\n",
                    c->command);
        }
        pause_ms(pause < LONGEST_PAUSE_MS ? pause : LONGEST_PAUSE_MS);
    }
    return code;
}
