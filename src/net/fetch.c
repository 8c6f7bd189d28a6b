/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests of the program (env->fetch): libcurl's multi interface on our loop.
 *
 *   fetch_start ──► libcurl ──► sockets, a time ──► on_watch, on_timer ──► its end is told
 *
 * Made to press keys on phones, and no more trusting than that needs: GET only, http and https
 * only, no redirection followed, no proxy, no cookie, no credentials; of what the other side
 * says only the status is kept, and BODY_MAX octets are the most that are read. What https
 * shows is verified against the system's roots and the address.
 *
 * An end is told by handler.fetched, never from inside of env->fetch: libcurl begins when its
 * timer runs, which it is told in the loop's next round at the earliest.
 *
 * A name is looked up in a thread of libcurl's; who gives a request up does not wait for it
 * (CURLOPT_QUICK_EXIT): else a name server that is silent would hold the loop.
 *
 * BOUNDS. max_fetches at a time, each with a time limit. COST. Nothing until the first one.
 */
#include "base/err.h"
#include "net/net_int.h"
#include <curl/curl.h>
#include <stdlib.h>

enum { BODY_MAX = 65536 };

struct fetch {
    struct list link; /**< net->fetch.running */
    struct net *net;
    CURL *easy;
    uint64_t tag;
    size_t octets;
};

/** A socket of libcurl that the loop watches. */
struct fetch_watch {
    struct net *net;
    uv_poll_t poll;
    curl_socket_t fd;
};

static void free_fetch(struct fetch *f)
{
    list_remove(&f->link);
    f->net->fetch.count--;
    (void)curl_multi_remove_handle(f->net->fetch.multi, f->easy);
    curl_easy_cleanup(f->easy);
    free(f);
}

/** Tell of all that have ended. */
static void collect(struct net *n)
{
    const struct net_handler *h = &n->config.handler;
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(n->fetch.multi, &left)) != NULL) {
        struct fetch *f = NULL;
        long status = 0;
        if (m->msg != CURLMSG_DONE ||
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &f) != CURLE_OK || f == NULL) {
            continue;
        }
        /* one that said more than is read has answered all the same */
        if (m->data.result == CURLE_OK || m->data.result == CURLE_WRITE_ERROR) {
            (void)curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
        }
        uint64_t tag = f->tag;
        free_fetch(f);
        if (status <= 0 || status > 999) {
            n->stats.fetches_failed++;
            status = 0;
        }
        if (h->fetched != NULL) {
            h->fetched(h->ctx, tag, (unsigned)status, net_now(n));
        }
    }
}

static void act(struct net *n, curl_socket_t fd, int what)
{
    int running;
    (void)curl_multi_socket_action(n->fetch.multi, fd, what, &running);
    collect(n);
}

static void on_watch(uv_poll_t *poll, int status, int events)
{
    struct fetch_watch *w = poll->data;
    int what = status < 0 ? CURL_CSELECT_ERR : 0;
    what |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    what |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    act(w->net, w->fd, what);
}

static void on_watch_closed(uv_handle_t *h)
{
    free(h->data);
}

/** What libcurl wants of a socket. `known`: what we gave it for that one. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
    struct net *n = ctx;
    struct fetch_watch *w = known;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL) {
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_watch_closed);
            (void)curl_multi_assign(n->fetch.multi, fd, NULL);
        }
        return 0;
    }
    if (w == NULL) {
        w = calloc(1, sizeof(*w));
        if (w == NULL || uv_poll_init_socket(&n->loop, &w->poll, fd) != 0) {
            free(w); /* the request runs into its time limit */
            return 0;
        }
        w->net = n;
        w->fd = fd;
        w->poll.data = w;
        (void)curl_multi_assign(n->fetch.multi, fd, w);
    }
    (void)uv_poll_start(&w->poll,
                        (what != CURL_POLL_OUT ? UV_READABLE : 0) |
                            (what != CURL_POLL_IN ? UV_WRITABLE : 0),
                        on_watch);
    return 0;
}

static void on_timer(struct timer *t, uint64_t now_ms)
{
    struct net *n = container_of(t, struct net, fetch.timer);
    (void)now_ms;
    act(n, CURL_SOCKET_TIMEOUT, 0);
}

static int on_time(CURLM *multi, long ms, void *ctx)
{
    struct net *n = ctx;
    (void)multi;
    if (ms < 0) {
        timer_stop(&n->wheel, &n->fetch.timer);
    } else {
        timer_set(&n->wheel, &n->fetch.timer, net_now(n) + (uint64_t)ms);
    }
    return 0;
}

static bool ready(struct net *n)
{
    if (n->fetch.multi != NULL) {
        return true;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return false;
    }
    n->fetch.multi = curl_multi_init();
    if (n->fetch.multi == NULL) {
        curl_global_cleanup();
        return false;
    }
    (void)curl_multi_setopt(n->fetch.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(n->fetch.multi, CURLMOPT_SOCKETDATA, n);
    (void)curl_multi_setopt(n->fetch.multi, CURLMOPT_TIMERFUNCTION, on_time);
    (void)curl_multi_setopt(n->fetch.multi, CURLMOPT_TIMERDATA, n);
    return true;
}

void fetch_init(struct net *n)
{
    list_init(&n->fetch.running);
    timer_init(&n->fetch.timer, on_timer);
}

void fetch_end(struct net *n)
{
    list_each(it, &n->fetch.running)
    {
        free_fetch(list_entry(it, struct fetch, link));
    }
    timer_stop(&n->wheel, &n->fetch.timer);
    if (n->fetch.multi != NULL) {
        (void)curl_multi_cleanup(n->fetch.multi);
        curl_global_cleanup();
        n->fetch.multi = NULL;
    }
}

static size_t on_octets(char *p, size_t size, size_t count, void *ctx)
{
    struct fetch *f = ctx;
    (void)p;
    f->octets += size * count;
    return f->octets <= BODY_MAX ? size * count : 0;
}

/** @return false: libcurl has no memory, or no such feature */
static bool prepare(struct fetch *f, const char *url, uint32_t timeout_ms)
{
    CURL *e = f->easy;
    return curl_easy_setopt(e, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PRIVATE, f) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)timeout_ms) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_octets) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_WRITEDATA, f) == CURLE_OK;
}

int fetch_start(struct net *n, struct str url, uint32_t timeout_ms, uint64_t tag)
{
    char text[2048 + 1];

    if ((!str_istarts(url, STR("http://")) && !str_istarts(url, STR("https://"))) ||
        url.n >= sizeof(text) || memchr(url.p, 0, url.n) != NULL) {
        return E_UNSUPPORTED;
    }
    if (n->fetch.count >= n->config.max_fetches) {
        return E_TOOMANY;
    }
    struct fetch *f = calloc(1, sizeof(*f));
    if (f == NULL || !ready(n) || (f->easy = curl_easy_init()) == NULL) {
        free(f);
        return E_NOMEM;
    }
    f->net = n;
    f->tag = tag;
    memcpy(text, url.p, url.n);
    text[url.n] = '\0';
    if (!prepare(f, text, timeout_ms) ||
        curl_multi_add_handle(n->fetch.multi, f->easy) != CURLM_OK) {
        curl_easy_cleanup(f->easy);
        free(f);
        return E_NOMEM;
    }
    list_append(&n->fetch.running, &f->link);
    n->fetch.count++;
    n->stats.fetches++;
    return 0;
}
