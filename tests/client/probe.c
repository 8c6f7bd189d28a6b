/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What test_client.py has libbaton-client do: lines on stdin, JSON objects on stdout.
 *
 *     probe URL [token=…] [ca=…] [cert=…] [key=…] [patience=MS] [silence=MS] [backoff=MS]
 *
 *     ask METHOD PATH [BODY]      baton_send; once, no_wait, wait=MS, key=…, if_match=… may
 * stand in front of METHOD wait METHOD PATH [BODY]     baton_ask, the same list PATH baton_list
 *     follow FROM [devices=…] [types=…] [call=…]   a stream with a function
 *     echo METHOD PATH            ask so, and wait, from within the function of each event
 *     pull FROM [most=N] [nap=MS]                  one without, read until N events; sleep
 * after the first cancel                      the last `ask` close                       the
 * last stream token TEXT
 *
 * It has a loop of its own (poll) with the client's descriptor in it, as programs do that have
 * one.
 */
#include <baton/client.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct baton_client *client;
static struct baton_stream *stream;
static unsigned long last_ask;
static char echo_method[16], echo_path[256];
static bool in_function;

static void say(json_t *o)
{
    char *text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER);

    puts(text);
    fflush(stdout);
    free(text);
    json_decref(o);
}

static json_t *answer_json(const struct baton_answer *a)
{
    const struct baton_problem *p = &a->problem;

    return json_pack("{s:i,s:i,s:O?,s:O?,s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:I}", "outcome",
                     (int)a->outcome, "status", (int)a->status, "json", a->json, "result",
                     (json_t *)(size_t)a->result, "etag", a->etag, "code", p->code, "detail",
                     p->detail, "category", p->csta_category, "value", p->csta_value, "pointer",
                     p->pointer, "sip", p->sip, "octets", (json_int_t)a->text_len);
}

static void on_answer(void *ctx, const struct baton_answer *a)
{
    json_t *o = answer_json(a);

    (void)ctx;
    (void)json_object_set_new(o, "nested", json_boolean(in_function));
    say(json_pack("{s:o}", "answer", o));
}

static json_t *event_json(const struct baton_event *e, const struct baton_stream *s)
{
    static const char *const kinds[] = {"event", "snapshot", "gap"};

    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:O?,s:O?}", "kind", kinds[e->kind], "type",
                     e->type, "sequence", e->sequence, "given", baton_stream_sequence(s),
                     "call", e->call, "device", e->device, "csta", (json_t *)(size_t)e->csta,
                     "data", (json_t *)(size_t)baton_at(e->json, "data"));
}

static void say_end(const struct baton_stream *s)
{
    const struct baton_problem *p = baton_stream_problem(s);

    say(json_pack("{s:{s:i,s:s,s:s}}", "end", "status", p != NULL ? (int)p->status : -1, "code",
                  p != NULL ? p->code : "", "detail", p != NULL ? p->detail : ""));
}

static void on_event(void *ctx, struct baton_stream *s, const struct baton_event *e)
{
    struct baton_answer a;

    (void)ctx;
    if (e == NULL) {
        say_end(s);
        return;
    }
    say(json_pack("{s:o}", "event", event_json(e, s)));
    if (echo_method[0] != '\0') {
        in_function = true;
        (void)baton_ask(client,
                        &(struct baton_request){.method = echo_method, .path = echo_path}, &a);
        in_function = false;
        say(json_pack("{s:i,s:s}", "echo", (int)a.status, "for", e->sequence));
        baton_answer_free(&a);
    }
}

/** The value of NAME=… among the words, or NULL. */
static const char *option(char **word, const char *name)
{
    size_t n = strlen(name);

    for (; *word != NULL; word++) {
        if (strncmp(*word, name, n) == 0 && (*word)[n] == '=') {
            return *word + n + 1;
        }
    }
    return NULL;
}

static unsigned number_option(char **word, const char *name)
{
    const char *text = option(word, name);
    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : 0;
}

/** [once] [no_wait] [wait=] [key=] [if_match=] METHOD PATH [BODY] */
static void do_ask(char **word, bool wait)
{
    struct baton_request r = {.wait_ms = number_option(word, "wait"),
                              .key = option(word, "key"),
                              .if_match = option(word, "if_match"),
                              .accept = option(word, "accept")};
    struct baton_answer a;

    for (; *word != NULL && (strchr(*word, '=') != NULL || strncmp(*word, "once", 4) == 0 ||
                             strncmp(*word, "no_wait", 7) == 0);
         word++) {
        r.once = r.once || strcmp(*word, "once") == 0;
        r.no_wait = r.no_wait || strcmp(*word, "no_wait") == 0;
    }
    r.method = word[0];
    r.path = word[0] != NULL ? word[1] : NULL;
    r.body = r.path != NULL && word[2] != NULL ? json_loads(word[2], 0, NULL) : NULL;
    if (wait) {
        (void)baton_ask(client, &r, &a);
        on_answer(NULL, &a);
        baton_answer_free(&a);
    } else {
        last_ask = baton_send(client, &r, on_answer, NULL);
        say(json_pack("{s:b}", "sent", last_ask != 0));
    }
}

static void do_list(const char *path)
{
    struct baton_problem why = {0};
    json_t *items = baton_list(client, path, &why);

    say(items != NULL ? json_pack("{s:o}", "list", items)
                      : json_pack("{s:s}", "list", why.code));
}

static void do_pull(char **word)
{
    unsigned most = number_option(word, "most"), nap_ms = number_option(word, "nap"), n = 0;
    struct timespec nap = {.tv_sec = nap_ms / 1000, .tv_nsec = (long)(nap_ms % 1000) * 1000000};
    struct baton_stream *s = baton_stream_open(
        client, &(struct baton_filter){.from = word[0], .types = option(word, "types")}, NULL,
        NULL);
    const struct baton_event *e;

    while (n < most && (e = baton_stream_next(s, 20000)) != NULL) {
        if (n++ == 0) {
            (void)nanosleep(&nap, NULL);
        }
        say(json_pack("{s:o}", "event", event_json(e, s)));
    }
    if (baton_stream_next(s, 0) == NULL && baton_stream_problem(s) != NULL) {
        say_end(s);
    }
    baton_stream_close(s);
    say(json_pack("{s:i}", "pulled", (int)n));
}

static void do_line(char *line)
{
    char *word[12] = {NULL}, *save = NULL;
    size_t n = 0;

    for (char *w = strtok_r(line, " \n", &save); w != NULL && n < 11;
         w = strtok_r(NULL, " \n", &save)) {
        word[n++] = w;
    }
    if (n == 0) {
        return;
    }
    if (strcmp(word[0], "ask") == 0 || strcmp(word[0], "wait") == 0) {
        do_ask(word + 1, word[0][0] == 'w');
    } else if (strcmp(word[0], "list") == 0) {
        do_list(word[1]);
    } else if (strcmp(word[0], "follow") == 0) {
        struct baton_filter f = {.from = word[1],
                                 .devices = option(word, "devices"),
                                 .types = option(word, "types"),
                                 .call = option(word, "call")};
        stream = baton_stream_open(client, &f, on_event, NULL);
    } else if (strcmp(word[0], "echo") == 0) {
        (void)snprintf(echo_method, sizeof(echo_method), "%s", word[1]);
        (void)snprintf(echo_path, sizeof(echo_path), "%s", word[2]);
    } else if (strcmp(word[0], "pull") == 0) {
        do_pull(word + 1);
    } else if (strcmp(word[0], "cancel") == 0) {
        baton_cancel(client, last_ask);
    } else if (strcmp(word[0], "close") == 0) {
        baton_stream_close(stream);
        stream = NULL;
    } else if (strcmp(word[0], "token") == 0) {
        (void)baton_client_set_token(client, word[1]);
    }
}

int main(int argc, char **argv)
{
    static char line[65536];
    struct baton_problem why;
    struct pollfd p[2] = {{.fd = STDIN_FILENO, .events = POLLIN}};

    setvbuf(stdin, NULL, _IONBF, 0); /* what poll says is what there is */
    client =
        baton_client_new(&(struct baton_config){.url = argc > 1 ? argv[1] : NULL,
                                                .token = option(argv, "token"),
                                                .ca_file = option(argv, "ca"),
                                                .cert_file = option(argv, "cert"),
                                                .key_file = option(argv, "key"),
                                                .patience_ms = number_option(argv, "patience"),
                                                .silence_ms = number_option(argv, "silence"),
                                                .backoff_ms = number_option(argv, "backoff")},
                         &why);
    if (client == NULL) {
        say(json_pack("{s:s,s:s}", "none", why.code, "detail", why.detail));
        return 1;
    }
    p[1] = (struct pollfd){.fd = baton_client_fd(client), .events = POLLIN};
    for (;;) {
        if (poll(p, 2, -1) < 0) {
            break;
        }
        if (p[1].revents != 0) {
            baton_client_process(client);
        }
        if (p[0].revents != 0) {
            if (fgets(line, sizeof(line), stdin) == NULL) {
                break;
            }
            do_line(line);
        }
    }
    baton_client_free(client);
    return 0;
}
