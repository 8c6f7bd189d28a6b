/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton token`: see token_cmd.h.
 *
 * `create` writes the token, and nothing else, to standard output: it goes into a file or a
 * variable without passing a screen. What is to be said about it goes to standard error.
 */
#include "cli/token_cmd.h"
#include "cli/args.h"
#include "cli/ask_cmd.h"
#include "cli/view.h"
#include <stdlib.h>
#include <string.h>

enum { SCOPES_MAX = 64, EXPIRES_MAX_S = 10 * 366 * 86400 };

static const char *const synopsis[] = {
    "token create NAME --scope SCOPE [--scope SCOPE …] [--expires TIME]", "token list",
    "token revoke NAME", NULL};

static const struct help_option options[] = {
    {"create", "NAME",
     "Make a token of that name and write it to standard output. It is shown this once; the "
     "server keeps a hash of it."},
    {"list", NULL, "Tokens that there are, what they may, when they were last used."},
    {"revoke", "NAME", "By its name or its id. What was begun with it ends."},
    {"--scope", "SCOPE",
     "What it may: observe:PATTERN, control:PATTERN or admin. A pattern is a number, "
     "number@domain, or a beginning such as 10*; * is every device. May be given several "
     "times."},
    {"--expires", "TIME", "After 90s, 15m, 12h or 30d; never unless given."},
    CONTROL_OPTIONS,
    {NULL, NULL, NULL},
};

static const struct help_example examples[] = {
    {"baton token create wall --scope 'observe:10*' --expires 30d",
     "For a display that shows calls."},
    {"TOKEN=$(baton token create crm --scope 'control:*')", "For a program that makes them."},
    {"baton token revoke wall", "Not any more."},
    {NULL, NULL},
};

static const struct help_exit exits[] = {CONTROL_EXITS("Done.")};

static const char *const see_also[] = {"", "serve", "status", NULL};

const struct help help_token = {
    .name = "token",
    .summary = "who may use the HTTP API, and for what",
    .synopsis = synopsis,
    .description =
        "Makes, lists and revokes bearer tokens of the running server (docs/access.md). A token "
        "is kept in the server's store as a hash and outlives a restart.",
    .options = options,
    .examples = examples,
    .exits = exits,
    .see_also = see_also,
};

static const struct view_column columns[] = {
    {"NAME", "name", VIEW_TEXT},
    {"ID", "id", VIEW_TEXT},
    {"MAY", "scopes", VIEW_TEXT},
    {"MADE", "created", VIEW_AGO},
    {"LAST USED", "lastUsed", VIEW_AGO},
    {"EXPIRES", "expires", VIEW_TEXT},
    {"EXPIRED", "expired", VIEW_TEXT},
    {"BY", "createdBy", VIEW_TEXT},
    {NULL, NULL, VIEW_TEXT},
};

struct words {
    struct ask_words ask;
    const char *what, *name, *expires;
    const char *scope[SCOPES_MAX];
    size_t scopes;
    uint64_t expires_s;
};

bool token_duration(const char *text, uint64_t *seconds)
{
    static const struct {
        char unit;
        uint32_t s;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    struct str s = str_c(text);
    uint64_t factor = 1, n;
    for (size_t i = 0; s.n > 0 && i < sizeof(units) / sizeof(units[0]); i++) {
        if (s.p[s.n - 1] == units[i].unit) {
            factor = units[i].s;
            s.n--;
            break;
        }
    }
    if (!str_to_u64(s, EXPIRES_MAX_S / factor, &n) || n == 0) {
        return false;
    }
    *seconds = n * factor;
    return true;
}

static int create(struct control *c, const struct words *w, FILE *out, FILE *err)
{
    struct control_answer a = {0};
    json_t *scopes = json_array();
    for (size_t i = 0; i < w->scopes; i++) {
        (void)json_array_append_new(scopes, json_string(w->scope[i]));
    }
    json_t *body = json_pack("{s:s,s:o}", "name", w->name, "scopes", scopes);
    if (w->expires != NULL) {
        (void)json_object_set_new(body, "expiresIn", json_integer((json_int_t)w->expires_s));
    }
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (text == NULL) {
        fprintf(err, "baton token: a name or scope is no UTF-8\n");
        return EXIT_CODE_FAILED;
    }
    int code = control_ask(c, "POST", "/v1/tokens", text, &a);
    const char *token = json_string_value(json_object_get(a.json, "token"));
    if (code == EXIT_CODE_OK && w->ask.json) {
        ask_show(&a, true, out);
    } else if (code == EXIT_CODE_OK && token != NULL) {
        fprintf(out, "%s\n", token);
        fprintf(err, "This is the only time that it is shown.\n");
    }
    if (a.text != NULL) {
        explicit_bzero(a.text, a.n);
    }
    control_answer_free(&a);
    free(text);
    return code;
}

static int list(struct control *c, const struct words *w, FILE *out)
{
    struct table_style style = table_style_of(out);
    json_t *items = NULL;
    int code = control_list(c, "/v1/tokens", 0, &items);
    if (code == EXIT_CODE_OK && w->ask.json) {
        (void)json_dumpf(items, out, JSON_COMPACT);
        fputc('\n', out);
    } else if (code == EXIT_CODE_OK) {
        view_items(items, columns, "no tokens", &style, out);
    }
    json_decref(items);
    return code;
}

static int revoke(struct control *c, const struct words *w)
{
    struct control_answer a = {0};
    char path[512];
    if (!control_path(path, sizeof(path), "/v1/tokens/", w->name, "")) {
        return help_usage_error(&help_token, "\"%s\" is too long", w->name);
    }
    int code = control_ask(c, "DELETE", path, NULL, &a);
    control_answer_free(&a);
    return code;
}

static bool read_word(struct words *w, int argc, char **argv, int *i)
{
    const char *scope = NULL;
    if (ask_word(&w->ask, argc, argv, i) ||
        args_value(NULL, "--expires", argc, argv, i, &w->expires)) {
        return true;
    }
    if (args_value(NULL, "--scope", argc, argv, i, &scope)) {
        if (w->scopes == SCOPES_MAX) {
            return false;
        }
        w->scope[w->scopes++] = scope;
        return true;
    }
    const char **to = w->what == NULL ? &w->what : &w->name;
    if (argv[*i][0] == '-' || (to == &w->name && w->name != NULL)) {
        return false;
    }
    *to = argv[*i];
    return true;
}

/** @return EXIT_CODE_OK, or a complaint was made */
static int check(struct words *w)
{
    bool creates = w->what != NULL && strcmp(w->what, "create") == 0;
    bool lists = w->what != NULL && strcmp(w->what, "list") == 0;
    bool revokes = w->what != NULL && strcmp(w->what, "revoke") == 0;
    if (!creates && !lists && !revokes) {
        return help_usage_error(&help_token, "create, list or revoke?");
    }
    if (lists == (w->name != NULL)) {
        return help_usage_error(&help_token, lists ? "list takes no name" : "which name?");
    }
    if (creates != (w->scopes > 0)) {
        return help_usage_error(&help_token, creates ? "--scope is missing: what may it?"
                                                     : "--scope belongs to create");
    }
    if (w->expires != NULL && (!creates || !token_duration(w->expires, &w->expires_s))) {
        return help_usage_error(&help_token,
                                "--expires belongs to create: 90s, 15m, 12h or 30d");
    }
    return EXIT_CODE_OK;
}

int token_run(int argc, char **argv, FILE *out, FILE *err)
{
    struct words w = {0};
    struct control c;
    for (int i = 1; i < argc; i++) {
        if (!read_word(&w, argc, argv, &i)) {
            return help_usage_error(&help_token, "what is \"%s\"?", argv[i]);
        }
    }
    int code = check(&w);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    code = ask_open(&c, "token", &w.ask, err);
    if (code == EXIT_CODE_OK) {
        code = w.what[0] == 'c'   ? create(&c, &w, out, err)
               : w.what[0] == 'l' ? list(&c, &w, out)
                                  : revoke(&c, &w);
    }
    control_close(&c);
    return code;
}

int cmd_token(int argc, char **argv)
{
    return token_run(argc, argv, stdout, stderr);
}
