/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client: where it goes, and its loop.
 *
 * One epoll holds the sockets that libcurl opens, a timer for whatever is due first, and a bell
 * that baton_client_stop rings; its descriptor is all that somebody else's loop has to watch.
 *
 * COST. Times are a list that is gone through; a program has a few requests and streams.
 */
#include "client/parts.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000, SILENCE_MS = 45000, BACKOFF_MS = 10000, BACKOFF_FIRST_MS = 250 };

/* ---- time and chance ---- */

uint64_t client_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/** The timerfd shows when the first of them is due. */
static void arm(struct baton_client *c)
{
    uint64_t first = 0;

    list_each(it, &c->laters)
    {
        uint64_t at = list_entry(it, struct later, link)->at_ms;
        first = first == 0 || at < first ? at : first;
    }
    if (first != c->armed_ms) {
        struct itimerspec spec = {.it_value = {.tv_sec = (time_t)(first / 1000),
                                               .tv_nsec = (long)(first % 1000) * 1000000}};
        c->armed_ms = first;
        (void)timerfd_settime(c->timer, TFD_TIMER_ABSTIME, &spec, NULL);
    }
}

void later_set(struct baton_client *c, struct later *l, uint64_t at_ms)
{
    l->at_ms = at_ms > 0 ? at_ms : 1;
    if (!list_linked(&l->link)) {
        list_append(&c->laters, &l->link);
    }
    if (c->armed_ms == 0 || l->at_ms < c->armed_ms) {
        arm(c);
    }
}

void later_stop(struct later *l)
{
    list_remove(&l->link); /* the timer may ring for nothing once */
}

static struct later *first_due(const struct baton_client *c, uint64_t now)
{
    list_each(it, &c->laters)
    {
        struct later *l = list_entry(it, struct later, link);
        if (l->at_ms <= now) {
            return l;
        }
    }
    return NULL;
}

static void due(struct baton_client *c)
{
    uint64_t now = client_now();
    struct later *l;

    /* what is set in here is later than `now`, or libcurl's "at once", which comes next time */
    for (unsigned n = 0; n < 1000 && (l = first_due(c, now)) != NULL; n++) {
        later_stop(l);
        l->fn(l);
    }
}

void client_random(char *out, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char octets[16];

    n = n < sizeof(octets) ? n : sizeof(octets);
    while (getrandom(octets, n, 0) != (ssize_t)n) {
        continue; /* a signal: so few octets come whole */
    }
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[octets[i] >> 4];
        out[2 * i + 1] = digits[octets[i] & 15];
    }
    out[2 * n] = '\0';
}

unsigned client_backoff(const struct baton_client *c, unsigned tries)
{
    uint64_t limit = (uint64_t)BACKOFF_FIRST_MS << (tries < 16 ? tries : 16);
    uint32_t chance = 0;

    limit = limit < c->backoff_ms ? limit : c->backoff_ms;
    (void)!getrandom(&chance, sizeof(chance), 0);
    return (unsigned)(limit / 4 + limit * 3 / 4 * chance / UINT32_MAX);
}

/* ---- life ---- */

static void on_curl_time(struct later *l)
{
    struct baton_client *c = container_of(l, struct baton_client, curl);
    int running;

    (void)curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

/** @return false: it is no address */
static bool read_url(struct baton_client *c, const char *url)
{
    bool secure = strncasecmp(url, "https://", 8) == 0;
    size_t n;

    if (strncasecmp(url, "unix:", 5) == 0) {
        c->socket = strdup(url + 5);
        c->base = strdup("http://localhost");
        return url[5] != '\0';
    }
    if (!secure && strncasecmp(url, "http://", 7) != 0) {
        return false;
    }
    n = strlen(url);
    while (n > 0 && url[n - 1] == '/') {
        n--;
    }
    c->base = strndup(url, n);
    return n > (secure ? 8U : 7U) && strpbrk(url, "@?# \t\r\n") == NULL;
}

static bool watch(struct baton_client *c, int fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

    return fd >= 0 && epoll_ctl(c->poll, EPOLL_CTL_ADD, fd, &e) == 0;
}

static bool open_loop(struct baton_client *c)
{
    c->poll = epoll_create1(EPOLL_CLOEXEC);
    c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    c->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->multi = curl_multi_init();
    if (c->poll < 0 || !watch(c, c->timer) || !watch(c, c->bell) || c->multi == NULL) {
        return false;
    }
    (void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, transfer_on_socket);
    (void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    (void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, transfer_on_time);
    (void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    return true;
}

static bool copy_texts(struct baton_client *c, const struct baton_config *config)
{
    const char *from[] = {config->token, config->ca_file, config->cert_file, config->key_file};
    char **to[] = {&c->token, &c->ca_file, &c->cert_file, &c->key_file};

    for (size_t i = 0; i < ARRAY_LEN(from); i++) {
        *to[i] = text_dup(from[i]);
        if (from[i] != NULL && *to[i] == NULL) {
            return false;
        }
    }
    return true;
}

struct baton_client *baton_client_new(const struct baton_config *config,
                                      struct baton_problem *why)
{
    struct baton_client *c = calloc(1, sizeof(*c));
    struct baton_problem unsaid;
    const char *url = config->url != NULL ? config->url : "";

    why = why != NULL ? why : &unsaid;
    *why = (struct baton_problem){0};
    if (c == NULL) {
        problem_set(why, "memory", "Out of memory", "There is no memory for a client.");
        return NULL;
    }
    c->poll = c->timer = c->bell = -1;
    list_init(&c->laters);
    list_init(&c->asks);
    list_init(&c->ended);
    list_init(&c->streams);
    c->curl.fn = on_curl_time;
    c->patience_ms = or_default(config->patience_ms, PATIENCE_MS);
    c->silence_ms = or_default(config->silence_ms, SILENCE_MS);
    c->backoff_ms = or_default(config->backoff_ms, BACKOFF_MS);
    if (!read_url(c, url)) {
        problem_set(why, "wrong", "No address",
                    "\"%s\" is no address of a server: https://NAME, http://NAME:PORT, or "
                    "unix:/PATH/OF/A/SOCKET.",
                    url);
    } else if (c->base == NULL || !copy_texts(c, config) || !open_loop(c)) {
        problem_set(why, "memory", "Out of memory",
                    "There is no memory, or no descriptor, left.");
    } else {
        return c;
    }
    baton_client_free(c);
    return NULL;
}

static void close_fd(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

/** Not to be found in memory that is given back. */
static void forget(char *secret)
{
    if (secret != NULL) {
        explicit_bzero(secret, strlen(secret));
        free(secret);
    }
}

void baton_client_free(struct baton_client *c)
{
    if (c == NULL) {
        return;
    }
    c->closing = true;
    ask_cancel_all(c);
    while (!list_empty(&c->streams)) {
        stream_free(list_entry(c->streams.next, struct baton_stream, link));
    }
    if (c->multi != NULL) {
        (void)curl_multi_cleanup(c->multi);
    }
    close_fd(c->poll);
    close_fd(c->timer);
    close_fd(c->bell);
    forget(c->token);
    free(c->base);
    free(c->socket);
    free(c->ca_file);
    free(c->cert_file);
    free(c->key_file);
    free(c);
}

int baton_client_set_token(struct baton_client *c, const char *token)
{
    char *copy = text_dup(token);

    if (token != NULL && copy == NULL) {
        return BATON_NOMEM;
    }
    forget(c->token);
    c->token = copy;
    return BATON_OK;
}

/* ---- the loop ---- */

static int mask_of(uint32_t events)
{
    return ((events & (EPOLLIN | EPOLLHUP)) != 0 ? CURL_CSELECT_IN : 0) |
           ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
           ((events & EPOLLERR) != 0 ? CURL_CSELECT_ERR : 0);
}

void client_pump(struct baton_client *c)
{
    struct epoll_event e[16];
    int n = epoll_wait(c->poll, e, ARRAY_LEN(e), 0), running;
    uint64_t octets;

    for (int i = 0; i < n; i++) {
        if (e[i].data.fd == c->timer || e[i].data.fd == c->bell) {
            (void)!read(e[i].data.fd, &octets, sizeof(octets));
            if (e[i].data.fd == c->timer) {
                c->armed_ms = 0;
            }
        } else {
            (void)curl_multi_socket_action(c->multi, e[i].data.fd, mask_of(e[i].events),
                                           &running);
        }
    }
    due(c);
    transfer_collect(c);
    arm(c);
}

void client_step(struct baton_client *c, int timeout_ms)
{
    struct pollfd p = {.fd = c->poll, .events = POLLIN};

    if (poll(&p, 1, timeout_ms) > 0) {
        client_pump(c);
    }
}

/** Functions of the user, until there is nothing to tell. */
static void tell(struct baton_client *c)
{
    if (c->telling) {
        return; /* one waits inside of a function: the rest comes when that has returned */
    }
    c->telling = true;
    while (ask_tell(c) || stream_tell(c)) {
        continue;
    }
    c->telling = false;
}

void baton_client_process(struct baton_client *c)
{
    client_pump(c);
    tell(c);
}

int baton_client_fd(const struct baton_client *c)
{
    return c->poll;
}

void baton_client_run(struct baton_client *c)
{
    baton_client_process(c);
    while (!c->stopped && !(list_empty(&c->asks) && list_empty(&c->streams))) {
        client_step(c, -1);
        tell(c);
    }
}

void baton_client_stop(struct baton_client *c)
{
    static const uint64_t one = 1;
    int had = errno;

    c->stopped = 1;
    (void)!write(c->bell, &one, sizeof(one));
    errno = had;
}
