/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST to webhooks: libcurl's multi interface on the API's loop.
 *
 * No more trusting than it needs: http and https only, no redirection followed, no proxy, no
 * cookie, no credentials in the URL; of what the other side says the status and Retry-After are
 * looked at, and REPLY_MAX octets are the most that are read. What https shows is verified
 * against the system's roots and the name.
 *
 * WHERE TO is decided when the address is known and before it is called: loopback, private and
 * other addresses that are not the world's are refused unless they are allowed. So it does not
 * help to give a name such an address, or another one a moment later.
 *
 * A name is looked up in a thread of libcurl's. Who gives a delivery up does not wait for it
 * (CURLOPT_QUICK_EXIT): else a name server that is silent would hold the API's loop.
 *
 * What is brought is captured with its answer (capture/capture.h), so that a call's ladder has
 * it; of the URL only the host, since CRM put their secret behind it.
 */
#include "api/parts.h"
#include "api/webhook.h"
#include "base/err.h"
#include <curl/curl.h>
#include <netinet/in.h>
#include <openssl/hmac.h>
#include <stdlib.h>

enum { REPLY_MAX = 65536, LIMIT_MS = 10000, CONNECT_MS = 5000, HEX_SHA256 = 64 };

struct sender {
    struct api *api;
    bool private_targets, stopped;
    CURLM *multi;
    struct timer timer;
    struct list all;
};

struct sending {
    struct list link;
    struct sender *sender;
    CURL *easy;
    struct curl_slist *head;
    sent_fn done; /**< NULL: nobody waits */
    void *owner;
    char *body;
    size_t octets;
    bool refused; /**< the address may not be called */
    char webhook[WEBHOOK_ID_MAX];
    uint64_t exchange; /**< its number among those that are captured */
};

/** A socket of libcurl that the loop watches. */
struct watch {
    struct sender *sender;
    uv_poll_t poll;
    curl_socket_t fd;
};

/* ---- which addresses ---- */

static bool v4_is_public(uint32_t a)
{
    static const struct {
        uint32_t net, mask;
    } not_public[] = {
        {0x00000000, 0xff000000}, {0x0a000000, 0xff000000}, {0x64400000, 0xffc00000},
        {0x7f000000, 0xff000000}, {0xa9fe0000, 0xffff0000}, {0xac100000, 0xfff00000},
        {0xc0000000, 0xffffff00}, {0xc0a80000, 0xffff0000}, {0xc6120000, 0xfffe0000},
        {0xe0000000, 0xe0000000},
    };

    for (size_t i = 0; i < ARRAY_LEN(not_public); i++) {
        if ((a & not_public[i].mask) == not_public[i].net) {
            return false;
        }
    }
    return true;
}

static bool v6_is_public(const uint8_t a[16])
{
    static const uint8_t zeros[12];
    uint32_t last;

    memcpy(&last, a + 12, sizeof(last));
    if (memcmp(a, zeros, 10) == 0 && a[10] == 0xff && a[11] == 0xff) {
        return v4_is_public(ntohl(last)); /* ::ffff:192.0.2.1 */
    }
    if (a[0] == 0x00 && a[1] == 0x64 && a[2] == 0xff && a[3] == 0x9b) {
        return memcmp(a + 4, zeros, 8) == 0 && v4_is_public(ntohl(last)); /* NAT64 */
    }
    if (a[0] == 0x20 && a[1] == 0x02) { /* 6to4 has another one inside, and so has Teredo */
        memcpy(&last, a + 2, sizeof(last));
        return v4_is_public(ntohl(last));
    }
    if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x00 && a[3] == 0x00) {
        return false;
    }
    return (a[0] & 0xe0) == 0x20; /* global unicast, and nothing else */
}

bool webhook_address_is_public(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof(in));
        return v4_is_public(ntohl(in.sin_addr.s_addr));
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof(in6));
        return v6_is_public(in6.sin6_addr.s6_addr);
    }
    return false;
}

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct sending *g = ctx;

    (void)purpose;
    if (!g->sender->private_targets && !webhook_address_is_public(&to->addr)) {
        g->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static bool host_is_private(const char *host)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    char text[64];
    size_t n = strlen(host);

    if (strcasecmp(host, "localhost") == 0) {
        return true;
    }
    if (uv_inet_pton(AF_INET, host, &in.sin_addr) == 0) {
        return !v4_is_public(ntohl(in.sin_addr.s_addr));
    }
    if (n > 2 && n < sizeof(text) && host[0] == '[') {
        memcpy(text, host + 1, n - 2);
        text[n - 2] = '\0';
        return uv_inet_pton(AF_INET6, text, &in6.sin6_addr) == 0 &&
               !v6_is_public(in6.sin6_addr.s6_addr);
    }
    return false;
}

bool webhook_url_ok(const struct webhooks *all, struct str url, const char **why)
{
    CURLU *u = curl_url();
    char text[WEBHOOK_URL_MAX + 1], *host = NULL, *user = NULL;
    bool ok = false;

    *why = "`url` is an http or https URL of at most 2048 octets, without user and password.";
    if (u != NULL && url.n <= WEBHOOK_URL_MAX && memchr(url.p, 0, url.n) == NULL &&
        (str_istarts(url, STR("https://")) || str_istarts(url, STR("http://")))) {
        memcpy(text, url.p, url.n);
        text[url.n] = '\0';
        ok = curl_url_set(u, CURLUPART_URL, text, 0) == CURLUE_OK &&
             curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
             curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_NO_USER;
    }
    if (ok && !webhooks_private(all) && host_is_private(host)) {
        *why = "This address is not one of the world; who runs the server can allow it with "
               "api.webhook_private.";
        ok = false;
    }
    curl_free(host);
    curl_free(user);
    curl_url_cleanup(u);
    return ok;
}

void webhook_sign(struct out *o, struct str secret, uint64_t at_s, struct str body)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    char at[24], *text;
    struct out t;
    unsigned n = 0;

    out_init(&t, at, sizeof(at));
    out_u64(&t, at_s);
    text = malloc(t.n + 1 + body.n);
    if (text == NULL) {
        return; /* unsigned, it is refused, and comes again */
    }
    memcpy(text, at, t.n);
    text[t.n] = '.';
    if (body.n > 0) {
        memcpy(text + t.n + 1, body.p, body.n);
    }
    if (HMAC(EVP_sha256(), secret.p, (int)secret.n, (const unsigned char *)text,
             t.n + 1 + body.n, sum, &n) != NULL) {
        out_fmt(o, "t=%.*s,v1=", STR_ARG(out_str_of(&t)));
        out_hex(o, str_make((const char *)sum, n), false);
    }
    free(text);
}

/* ---- heard ---- */

static void hear(const struct sending *g, bool sent, struct str head, struct str body)
{
    if (g->sender->api->config.capture != NULL) {
        capture_http(g->sender->api->config.capture,
                     &(struct capture_http){.webhook = true,
                                            .sent = sent,
                                            .exchange = g->exchange,
                                            .who = str_c(g->webhook),
                                            .head = head,
                                            .body = body});
    }
}

/** Scheme and path of an URL cut off. */
static struct str host_of(struct str url)
{
    struct str host = str_from(url, str_find(url, STR("://")) + 3);

    host = str_upto(host, str_index(host, '/'));
    return str_upto(str_upto(host, str_index(host, '?')), str_index(host, '#'));
}

static void hear_request(const struct sending *g, const struct delivery *d)
{
    char head[640];
    struct out o;

    out_init(&o, head, sizeof(head));
    out_fmt(&o, "POST /... HTTP/1.1\r\nHost: %.*s\r\nContent-Type: %s\r\n",
            STR_ARG(str_upto(host_of(d->url), 255)), d->type);
    out_fmt(&o, "Baton-Webhook: %s\r\nBaton-Sequence: %llu\r\nContent-Length: %zu\r\n\r\n",
            g->webhook, (unsigned long long)d->number, d->body.n);
    hear(g, true, out_str_of(&o), d->body);
}

static void hear_answer(const struct sending *g, long status)
{
    char head[64];
    struct out o;

    out_init(&o, head, sizeof(head));
    out_fmt(&o, "HTTP/1.1 %ld %s\r\n\r\n", status, answer_phrase((unsigned)status));
    hear(g, false, out_str_of(&o), STR(""));
}

/* ---- the loop ---- */

static void free_sending(struct sending *g)
{
    list_remove(&g->link);
    if (g->easy != NULL) {
        (void)curl_multi_remove_handle(g->sender->multi, g->easy);
        curl_easy_cleanup(g->easy);
    }
    curl_slist_free_all(g->head);
    free(g->body);
    free(g);
}

static void finish(struct sending *g, CURLcode result)
{
    long status = 0;
    curl_off_t wait = 0;
    sent_fn done = g->done;
    void *owner = g->owner;
    char why[WEBHOOK_WHY_MAX] = "";

    if (result == CURLE_OK || result == CURLE_WRITE_ERROR) { /* said more than is read */
        (void)curl_easy_getinfo(g->easy, CURLINFO_RESPONSE_CODE, &status);
        (void)curl_easy_getinfo(g->easy, CURLINFO_RETRY_AFTER, &wait);
    }
    if (g->refused) {
        (void)snprintf(why, sizeof(why), "it leads to an address that may not be called");
    } else if (status <= 0 || status > 999) {
        (void)snprintf(why, sizeof(why), "%s", curl_easy_strerror(result));
        status = 0;
    } else if (status < 200 || status > 299) {
        (void)snprintf(why, sizeof(why), "it answered %ld", status);
    }
    if (status > 0) {
        hear_answer(g, status);
    }
    free_sending(g);
    if (done != NULL) {
        done(owner, (unsigned)status, wait > 0 && wait < 86400 ? (uint32_t)wait : 0, why);
    }
}

static void collect(struct sender *s)
{
    CURLMsg *m;
    int left;

    while (!s->stopped && (m = curl_multi_info_read(s->multi, &left)) != NULL) {
        struct sending *g = NULL;
        if (m->msg == CURLMSG_DONE &&
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &g) == CURLE_OK && g != NULL) {
            finish(g, m->data.result);
        }
    }
}

static void act(struct sender *s, curl_socket_t fd, int what)
{
    int running;

    (void)curl_multi_socket_action(s->multi, fd, what, &running);
    collect(s);
}

static void on_watch(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    int what = status < 0 ? CURL_CSELECT_ERR : 0;

    what |= (events & UV_READABLE) != 0 ? CURL_CSELECT_IN : 0;
    what |= (events & UV_WRITABLE) != 0 ? CURL_CSELECT_OUT : 0;
    act(w->sender, w->fd, what);
}

static void on_watch_closed(uv_handle_t *h)
{
    free(h->data);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
    struct sender *s = ctx;
    struct watch *w = known;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w != NULL) {
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_watch_closed);
            (void)curl_multi_assign(s->multi, fd, NULL);
        }
        return 0;
    }
    if (w == NULL) {
        w = calloc(1, sizeof(*w));
        if (w == NULL || uv_poll_init_socket(wire_loop(s->api->wire), &w->poll, fd) != 0) {
            free(w); /* the request runs into its time limit */
            return 0;
        }
        w->sender = s;
        w->fd = fd;
        w->poll.data = w;
        (void)curl_multi_assign(s->multi, fd, w);
    }
    (void)uv_poll_start(&w->poll,
                        (what != CURL_POLL_OUT ? UV_READABLE : 0) |
                            (what != CURL_POLL_IN ? UV_WRITABLE : 0),
                        on_watch);
    return 0;
}

static void on_timer(struct timer *t, uint64_t now_ms)
{
    (void)now_ms;
    act(container_of(t, struct sender, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int on_time(CURLM *multi, long ms, void *ctx)
{
    struct sender *s = ctx;

    (void)multi;
    if (ms < 0) {
        timer_stop(api_wheel(s->api), &s->timer);
    } else {
        timer_set(api_wheel(s->api), &s->timer, api_now(s->api) + (uint64_t)ms);
    }
    return 0;
}

struct sender *sender_new(struct api *a, bool private_targets)
{
    struct sender *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return NULL;
    }
    s->api = a;
    s->private_targets = private_targets;
    list_init(&s->all);
    timer_init(&s->timer, on_timer);
    return s;
}

/** libcurl costs nothing until the first delivery. */
static bool ready(struct sender *s)
{
    if (s->multi != NULL) {
        return true;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return false;
    }
    s->multi = curl_multi_init();
    if (s->multi == NULL) {
        curl_global_cleanup();
        return false;
    }
    (void)curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
    (void)curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, on_time);
    (void)curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
    return true;
}

void sender_stop(struct sender *s)
{
    s->stopped = true;
    list_each(it, &s->all)
    {
        free_sending(list_entry(it, struct sending, link));
    }
    timer_stop(api_wheel(s->api), &s->timer);
    if (s->multi != NULL) {
        (void)curl_multi_cleanup(s->multi);
        curl_global_cleanup();
        s->multi = NULL;
    }
}

void sender_free(struct sender *s)
{
    free(s);
}

/* ---- one delivery ---- */

static size_t on_octets(char *p, size_t size, size_t count, void *ctx)
{
    struct sending *g = ctx;

    (void)p;
    g->octets += size * count;
    return g->octets <= REPLY_MAX ? size * count : 0;
}

static bool add_line(struct sending *g, struct out *o)
{
    struct curl_slist *more;

    out_ch(o, '\0');
    more = o->over ? NULL : curl_slist_append(g->head, o->p);
    g->head = more != NULL ? more : g->head;
    o->n = o->need = 0;
    return more != NULL;
}

static bool add_head(struct sending *g, const struct delivery *d)
{
    char line[256];
    struct out o;
    bool ok;

    out_init(&o, line, sizeof(line));
    out_fmt(&o, "Content-Type: %s", d->type);
    ok = add_line(g, &o);
    out_c(&o, "Baton-Signature: ");
    webhook_sign(&o, d->secret, (uint64_t)time(NULL), d->body);
    ok = ok && add_line(g, &o);
    out_fmt(&o, "Baton-Webhook: %.*s", STR_ARG(d->webhook));
    ok = ok && add_line(g, &o);
    out_fmt(&o, "Baton-Sequence: %llu", (unsigned long long)d->number);
    ok = ok && add_line(g, &o);
    out_c(&o, "Expect:");
    return ok && add_line(g, &o);
}

static bool prepare(struct sending *g, const struct delivery *d)
{
    char url[WEBHOOK_URL_MAX + 1];
    CURL *e = g->easy;

    if (d->url.n >= sizeof(url)) {
        return false;
    }
    memcpy(url, d->url.p, d->url.n);
    url[d->url.n] = '\0';
    return curl_easy_setopt(e, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PRIVATE, g) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)LIMIT_MS) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_USERAGENT, "baton/" BATON_VERSION) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, g) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HTTPHEADER, g->head) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)d->body.n) ==
               CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_POSTFIELDS, g->body) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_octets) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_WRITEDATA, g) == CURLE_OK;
}

struct sending *sender_post(struct sender *s, const struct delivery *d, sent_fn done,
                            void *owner)
{
    struct sending *g = s->stopped ? NULL : calloc(1, sizeof(*g));

    if (g == NULL || !ready(s)) {
        free(g);
        return NULL;
    }
    g->sender = s;
    g->done = done;
    g->owner = owner;
    g->easy = curl_easy_init();
    g->body = malloc(d->body.n + 1);
    if (g->body != NULL && d->body.n > 0) {
        memcpy(g->body, d->body.p, d->body.n);
    }
    if (g->easy == NULL || g->body == NULL || !add_head(g, d) || !prepare(g, d) ||
        curl_multi_add_handle(s->multi, g->easy) != CURLM_OK) {
        free_sending(g);
        return NULL;
    }
    list_append(&s->all, &g->link);
    (void)snprintf(g->webhook, sizeof(g->webhook), "%.*s", STR_ARG(d->webhook));
    g->exchange = ++s->api->last_number;
    hear_request(g, d);
    return g;
}

void sending_forget(struct sending *g)
{
    if (g != NULL) {
        free_sending(g);
    }
}
