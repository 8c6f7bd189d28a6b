/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exchange of HTTP: libcurl's multi interface in the loop of loop.c.
 *
 * What libcurl could do and shall not is switched off: other protocols, redirections, proxies,
 * signals. A server that says nothing for `silence_ms` counts as one that is not there; who
 * has stopped taking (paused) does not blame the server for it.
 */
#include "client/parts.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum { TEXT_MOST = 64 << 20, CONNECT_MS = 15000 };

/* ---- libcurl and the loop ---- */

int transfer_on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
    struct baton_client *c = ctx;
    struct epoll_event e = {.events = (what != CURL_POLL_OUT ? EPOLLIN : 0U) |
                                      (what != CURL_POLL_IN ? EPOLLOUT : 0U),
                            .data.fd = fd};

    (void)easy;
    (void)known;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(c->poll, EPOLL_CTL_DEL, fd, &e);
    } else if (epoll_ctl(c->poll, EPOLL_CTL_MOD, fd, &e) != 0) {
        (void)epoll_ctl(c->poll, EPOLL_CTL_ADD, fd, &e);
    }
    return 0;
}

int transfer_on_time(CURLM *multi, long ms, void *ctx)
{
    struct baton_client *c = ctx;

    (void)multi;
    if (ms < 0) {
        later_stop(&c->curl);
    } else {
        later_set(c, &c->curl, client_now() + (uint64_t)ms);
    }
    return 0;
}

/* ---- what comes ---- */

static bool append(struct transfer *t, const char *p, size_t n)
{
    char *more;

    if (t->text_len + n > TEXT_MOST || (more = realloc(t->text, t->text_len + n + 1)) == NULL) {
        return false;
    }
    memcpy(more + t->text_len, p, n);
    t->text = more;
    t->text_len += n;
    t->text[t->text_len] = '\0';
    return true;
}

static size_t on_body(char *p, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    size_t n = size * count;

    t->heard_ms = client_now();
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->status);
    if (t->take != NULL && t->status == 200) {
        size_t took = t->take(t, p, n);
        t->paused = took == CURL_WRITEFUNC_PAUSE;
        return took;
    }
    return append(t, p, n) ? n : 0;
}

/** The value of a field into `out`, when the line is that field. */
static void keep_field(struct str line, struct str name, char *out, size_t cap)
{
    if (str_istarts(line, name)) {
        (void)snprintf(out, cap, "%.*s", STR_ARG(str_trim(str_from(line, name.n))));
    }
}

static size_t on_header(char *p, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    struct str line = str_make(p, size * count);
    char number[16] = "";

    t->heard_ms = client_now();
    keep_field(line, STR("etag:"), t->etag, sizeof(t->etag));
    keep_field(line, STR("content-type:"), t->type, sizeof(t->type));
    keep_field(line, STR("retry-after:"), number, sizeof(number));
    if (number[0] != '\0') {
        t->retry_after_s = strtol(number, NULL, 10);
    }
    return line.n;
}

/* ---- its end ---- */

static void clear(struct transfer *t)
{
    later_stop(&t->silence);
    if (t->easy != NULL) {
        (void)curl_multi_remove_handle(t->c->multi, t->easy);
        curl_easy_cleanup(t->easy);
        t->easy = NULL;
    }
    curl_slist_free_all(t->fields);
    t->fields = NULL;
    t->paused = false;
}

void transfer_stop(struct transfer *t)
{
    clear(t);
}

void transfer_fini(struct transfer *t)
{
    clear(t);
    free(t->text);
    t->text = NULL;
}

static void end(struct transfer *t, CURLcode code)
{
    if (code == CURLE_OK) {
        (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->status);
    }
    clear(t);
    t->ended(t, code);
}

void transfer_collect(struct baton_client *c)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
        struct transfer *t = NULL;
        CURLcode code = m->data.result;
        if (m->msg == CURLMSG_DONE &&
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t) == CURLE_OK && t != NULL) {
            end(t, code);
        }
    }
}

static void on_silence(struct later *l)
{
    struct transfer *t = container_of(l, struct transfer, silence);
    uint64_t now = client_now();

    if (t->paused) {
        t->heard_ms = now;
    }
    if (now - t->heard_ms >= t->silence_ms) {
        end(t, CURLE_OPERATION_TIMEDOUT);
    } else {
        later_set(t->c, l, t->heard_ms + t->silence_ms);
    }
}

void transfer_resume(struct transfer *t)
{
    if (t->easy != NULL && t->paused) {
        t->paused = false;
        t->heard_ms = client_now();
        (void)curl_easy_pause(t->easy, CURLPAUSE_CONT);
    }
}

/* ---- its beginning ---- */

static bool add_field(struct transfer *t, const char *field)
{
    struct curl_slist *more = curl_slist_append(t->fields, field);

    if (more != NULL) {
        t->fields = more;
    }
    return more != NULL;
}

/** One line: it ends no sooner than it should. */
static bool is_line(const char *text)
{
    return text == NULL || strpbrk(text, "\r\n") == NULL;
}

static bool add_token(struct transfer *t, const char *token)
{
    char *field = NULL;
    bool ok = asprintf(&field, "Authorization: Bearer %s", token) >= 0 && add_field(t, field);

    if (field != NULL) {
        explicit_bzero(field, strlen(field));
        free(field);
    }
    return ok;
}

static bool add_fields(struct transfer *t, const struct transfer_how *how)
{
    char accept[128];
    bool ok;

    (void)snprintf(accept, sizeof(accept), "Accept: %s", how->accept);
    ok = add_field(t, accept) && add_field(t, "Expect:") &&
         (how->body == NULL || add_field(t, "Content-Type: application/json")) &&
         (t->c->token == NULL || add_token(t, t->c->token));
    for (size_t i = 0; ok && i < ARRAY_LEN(how->extra) && how->extra[i] != NULL; i++) {
        ok = add_field(t, how->extra[i]);
    }
    return ok;
}

static void set_trust(const struct baton_client *c, CURL *e)
{
    (void)curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (c->ca_file != NULL) {
        (void)curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_file);
        (void)curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    }
    if (c->cert_file != NULL) {
        (void)curl_easy_setopt(e, CURLOPT_SSLCERT, c->cert_file);
        (void)curl_easy_setopt(e, CURLOPT_SSLKEY,
                               c->key_file != NULL ? c->key_file : c->cert_file);
    }
}

static void set_options(struct transfer *t, const struct transfer_how *how, const char *url)
{
    const struct baton_client *c = t->c;
    CURL *e = t->easy;

    (void)curl_easy_setopt(e, CURLOPT_URL, url);
    (void)curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, c->socket);
    (void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(e, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* no waiting for a name to be found */
    (void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
                           (long)(t->silence_ms < CONNECT_MS ? t->silence_ms : CONNECT_MS));
    (void)curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->fields);
    (void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    (void)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
    (void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->reason);
    (void)curl_easy_setopt(e, CURLOPT_PRIVATE, t);
    set_trust(c, e);
    if (how->body != NULL) {
        (void)curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, how->body);
    }
    (void)curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, how->method);
}

int transfer_begin(struct transfer *t, const struct transfer_how *how)
{
    char *url = NULL;
    bool ok;

    clear(t);
    free(t->text);
    t->text = NULL;
    t->text_len = 0;
    t->status = t->retry_after_s = 0;
    t->etag[0] = t->type[0] = t->reason[0] = '\0';
    t->silence_ms = how->silence_ms;
    t->silence.fn = on_silence;
    if (how->path[0] != '/' || !is_line(how->accept) || !is_line(t->c->token) ||
        strlen(how->accept) > 100) {
        return BATON_WRONG;
    }
    for (size_t i = 0; i < ARRAY_LEN(how->extra) && how->extra[i] != NULL; i++) {
        if (!is_line(how->extra[i])) {
            return BATON_WRONG;
        }
    }
    t->easy = curl_easy_init();
    ok = t->easy != NULL && asprintf(&url, "%s%s", t->c->base, how->path) >= 0 &&
         add_fields(t, how);
    if (ok) {
        set_options(t, how, url);
        ok = curl_multi_add_handle(t->c->multi, t->easy) == CURLM_OK;
    }
    free(url);
    if (!ok) {
        curl_easy_cleanup(t->easy);
        t->easy = NULL;
        clear(t);
        return BATON_NOMEM;
    }
    t->heard_ms = client_now();
    later_set(t->c, &t->silence, t->heard_ms + t->silence_ms);
    return BATON_OK;
}
