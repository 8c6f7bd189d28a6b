/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls from the shell: see call_cmd.h.
 *
 * A verb is a row: its words, its path, and the member of the body that the last word becomes.
 * The server answers with an operation that has ended (Prefer: wait), or with 202 when the
 * phone takes longer; that is said, with the name by which it can be asked for.
 */
#include "cli/call_cmd.h"
#include "cli/ask_cmd.h"
#include "cli/view.h"
#include <stdlib.h>

static const char *const synopsis[] = {"call CALL [-c FILE | --socket FILE] [--json]",
                                       "call make FROM TO",
                                       "call answer CALL DEVICE",
                                       "call hold|retrieve CALL DEVICE",
                                       "call clear CALL [DEVICE]",
                                       "call deflect|transfer CALL DEVICE TO",
                                       NULL};

static const struct help_option options[] = {
    {"CALL", NULL, "Its callID, as `baton calls` shows it."},
    {"DEVICE", NULL, "The device in that call whose phone is to act."},
    CONTROL_OPTIONS,
    {NULL, NULL, NULL},
};

static const struct help_option verb_help[] = {
    {"make", "DEVICE TO", "Call TO from a device: its phone rings first."},
    {"answer", "CALL DEVICE", "Answer a call that rings at the device."},
    {"hold", "CALL DEVICE", "Put the call on hold."},
    {"retrieve", "CALL DEVICE", "Go on with it."},
    {"clear", "CALL [DEVICE]",
     "The device leaves, refuses or gives up the call; without one, everybody does."},
    {"deflect", "CALL DEVICE TO", "Send a call that rings at the device to TO."},
    {"transfer", "CALL DEVICE TO", "Hand the other party over to TO."},
    {NULL, NULL, NULL},
};
static const struct help_section sections[] = {{"Verbs", NULL, verb_help}, {NULL, NULL, NULL}};

static const struct help_example examples[] = {
    {"baton call make 1001 1002", "1001's phone rings, then 1002's."},
    {"baton call 5c3f", "Who is in it, and its context?"},
    {"baton call transfer 5c3f 1001 1003", "1001 hands the caller over to 1003."},
    {NULL, NULL},
};

static const struct help_exit exits[] = {CONTROL_EXITS("It was shown, or done.")};
static const char *const see_also[] = {"calls", "csta", "history", NULL};

const struct help help_call = {
    .name = "call",
    .summary = "one call that stands, and what to do with calls",
    .synopsis = synopsis,
    .description =
        "With a callID, shows that call: its parties, their states, its context. With a verb, "
        "does something with calls and waits for the outcome. These are CSTA services: `baton "
        "csta` has all of them.",
    .options = options,
    .sections = sections,
    .examples = examples,
    .exits = exits,
    .see_also = see_also,
};

static const struct verb {
    const char *name;
    size_t words;       /**< behind it */
    size_t fewer;       /**< that many of them may be left out: the whole call is meant */
    const char *path;   /**< of the API, behind the connection; NULL: make */
    const char *member; /**< of the body, for the last word; NULL: there is no body */
} verbs[] = {
    {"make", 2, 0, NULL, "calledDirectoryNumber"},
    {"answer", 2, 0, "/answer", NULL},
    {"hold", 2, 0, "/hold", NULL},
    {"retrieve", 2, 0, "/retrieve", NULL},
    {"clear", 2, 1, "/clear", NULL},
    {"deflect", 3, 0, "/deflect", "newDestination"},
    {"transfer", 3, 0, "/single-step-transfer", "transferredTo"},
};

static const struct verb *verb_of(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (strcmp(verbs[i].name, word) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

enum { WORDS = 4, PATH_MAX_LEN = 1024 };

static bool path_of(const struct verb *v, char *const *word, char *path)
{
    char head[PATH_MAX_LEN], middle[PATH_MAX_LEN];

    if (v == NULL) {
        return control_path(path, PATH_MAX_LEN, "/v1/calls/", word[0], "");
    }
    if (v->path == NULL) {
        return control_path(path, PATH_MAX_LEN, "/v1/devices/", word[1], "/calls");
    }
    if (word[2] == NULL) {
        return control_path(path, PATH_MAX_LEN, "/v1/calls/", word[1], v->path);
    }
    return control_path(head, sizeof(head), "/v1/calls/", word[1], "/connections/") &&
           control_path(middle, sizeof(middle), head, word[2], "") &&
           control_path(path, PATH_MAX_LEN, middle, "", v->path);
}

/** {"member": {"id": "text"}}. @return NULL: no memory */
static char *body_of(const struct verb *v, const char *text)
{
    json_t *body =
        v->member != NULL ? json_pack("{s:{s:s}}", v->member, "id", text) : json_object();
    char *out = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return out;
}

static void tell(const struct control_answer *a, FILE *out)
{
    const char *call = json_string_value(json_object_get(a->json, "callID"));
    const char *operation = json_string_value(json_object_get(a->json, "operation"));

    if (a->status == 202) {
        fprintf(out, "accepted, not done yet: %s\n", operation != NULL ? operation : "-");
    } else {
        fprintf(out, "done%s%s\n", call != NULL ? ": call " : "", call != NULL ? call : "");
    }
}

static int carry_out(struct control *c, const struct verb *v, char *const *word,
                     const struct ask_words *w, FILE *out)
{
    struct control_answer a = {0};
    char path[PATH_MAX_LEN];
    char *body = v != NULL ? body_of(v, word[v->words]) : NULL;
    int code = EXIT_CODE_USAGE;

    if (!path_of(v, word, path)) {
        fprintf(c->err, "baton call: that is too long\n");
    } else {
        code = control_ask(c, v != NULL ? "POST" : "GET", path, body, &a);
    }
    if (code == EXIT_CODE_OK && (v == NULL || w->json)) {
        ask_show(&a, w->json, out);
    } else if (code == EXIT_CODE_OK) {
        tell(&a, out);
    }
    free(body);
    control_answer_free(&a);
    return code;
}

int call_run(int argc, char **argv, FILE *out, FILE *err)
{
    struct ask_words w = {0};
    char *word[WORDS] = {NULL};
    struct control c;
    size_t n = 0;

    for (int i = 1; i < argc; i++) {
        if (ask_word(&w, argc, argv, &i)) {
            continue;
        }
        if (argv[i][0] == '-' || n == WORDS) {
            return help_usage_error(&help_call, "what is \"%s\"?", argv[i]);
        }
        word[n++] = argv[i];
    }
    const struct verb *v = n > 0 ? verb_of(word[0]) : NULL;
    size_t most = v != NULL ? v->words + 1 : 1;
    if (n > most || n < most - (v != NULL ? v->fewer : 0)) {
        return help_usage_error(&help_call,
                                n == 0 ? "which call?" : "words are missing, or too many");
    }
    int code = ask_open(&c, "call", &w, err);
    if (code == EXIT_CODE_OK) {
        code = carry_out(&c, v, word, &w, out);
    }
    control_close(&c);
    return code;
}

int cmd_call(int argc, char **argv)
{
    return call_run(argc, argv, stdout, stderr);
}
