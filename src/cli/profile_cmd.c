/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton profiles`: what the server would use (phone/profile.h, server/profile_file.h), from
 * the same files and by the same look-up.
 */
#include "cli/profile_cmd.h"
#include "cli/args.h"
#include "cli/json.h"
#include "cli/profile_json.h"
#include "phone/action.h"
#include "server/profile_file.h"
#include <string.h>

static const char *const synopsis[] = {
    "profiles [-c FILE | --folder FOLDER] [--json] [NAME]...",
    "profiles [-c FILE | --folder FOLDER] [--json] --explain USER-AGENT",
    "profiles --check [--json] FILE...",
    NULL,
};

static const struct help_option options[] = {
    {"-c, --config", "FILE", "The configuration: with the profiles that it names."},
    {"--folder", "FOLDER", "The profiles of this folder instead of those that were installed."},
    {"--explain", "USER-AGENT", "Which profile a phone with this User-Agent gets, and why."},
    {"--check", NULL, "Only say whether each FILE is a profile; line and column if not."},
    {"--json", NULL, "The same as JSON: a list, or what --explain says."},
    {"NAME", NULL, "All about this profile. Without any: the list."},
    {NULL, NULL, NULL},
};

static const struct help_example examples[] = {
    {"baton profiles --explain 'Yealink SIP-T46S 66.85.0.5'", "Is that phone known?"},
    {"baton profiles snom", "What has to be set on a snom phone, and what works then?"},
    {"baton profiles --check acme.yaml", "Is my own profile right?"},
    {NULL, NULL},
};

static const struct help_exit exits[] = {
    {EXIT_CODE_OK, "There it is; with --explain: a profile fits."},
    {EXIT_CODE_FAILED, "There is no such profile, or none fits."},
    {EXIT_CODE_USAGE, "The command line, the configuration or a profile is wrong."},
    {0, NULL},
};

static const char *const see_also[] = {"serve", "csta", NULL};

const struct help help_profiles = {
    .name = "profiles",
    .summary = "which phones can be asked what in CSTA",
    .synopsis = synopsis,
    .description =
        "A profile says of a make of phone by which means it takes CSTA (ECMA TR/87), which "
        "services it has, what is peculiar about it, and what to set on it. A phone gets the "
        "one that its device names in the configuration (phone_profile), or else the one whose "
        "pattern fits its User-Agent best. A phone that none fits is left alone.",
    .options = options,
    .examples = examples,
    .exits = exits,
    .see_also = see_also,
};

/* ------------------------------------------------------------------------ showing */

static void show_lines(const char *name, struct str lines, FILE *out)
{
    while (lines.n > 0) {
        size_t end = str_index(lines, '\n');
        fprintf(out, "  %-10s %.*s\n", name, (int)end, lines.p);
        lines = str_from(lines, end + 1);
        name = "";
    }
}

static void show_services(const struct phone_profile *p, FILE *out)
{
    size_t column = 0;
    for (unsigned id = 0; id < CSTA_MSG_COUNT; id++) {
        struct str name = csta_msg_name((enum csta_msg_id)id);
        if (!phone_profile_has(p, (enum csta_msg_id)id)) {
            continue;
        }
        if (column == 0 || column + name.n + 1 > 78) {
            fprintf(out, "%s  %-10s", column > 0 ? "\n" : "", column > 0 ? "" : "services");
            column = 12;
        }
        fprintf(out, " %.*s", STR_ARG(name));
        column += name.n + 1;
    }
    fprintf(out, "%s", column > 0 ? "\n" : "");
}

static void show_besides(const struct phone_profile *p, FILE *out)
{
    if (p->talk) {
        fprintf(out, "  %-10s NOTIFY talk answers\n", "besides");
    }
    if (p->feature_event) {
        fprintf(out, "  %-10s do not disturb and forwarding by as-feature-event\n", "besides");
    }
    if (p->action_notify) {
        fprintf(out, "  %-10s keys by NOTIFY ACTION-URI\n", "besides");
    }
    if (str_is_set(p->action_uri)) {
        fprintf(out, "  %-10s %.*s\n", "action URI", STR_ARG(p->action_uri));
    }
    if (p->action_notify || str_is_set(p->action_uri)) {
        for (unsigned i = 0; i < PHONE_ACT_COUNT; i++) {
            if (str_is_set(p->action_key[i])) {
                fprintf(out, "  %-10s %s: %.*s\n", "", phone_act_name((enum phone_act)i),
                        STR_ARG(p->action_key[i]));
            }
        }
    }
}

static const char *means_text(enum phone_means means)
{
    switch (means) {
    case PHONE_MEANS_SESSION:
        return "INFO in a session that is opened to it (TR/87)";
    case PHONE_MEANS_NOTIFY:
        return "NOTIFY with Event: uaCSTA, without a session";
    case PHONE_MEANS_NONE:
        break;
    }
    return "none: it is left alone";
}

void profile_show(const struct phone_profile *p, FILE *out)
{
    fprintf(out, "%.*s\n  %-10s %.*s\n", STR_ARG(p->name), "for", STR_ARG(p->text));
    for (size_t i = 0; i < p->agent_count; i++) {
        fprintf(out, "  %-10s %.*s\n", i == 0 ? "User-Agent" : "", STR_ARG(p->agents[i]));
    }
    fprintf(out, "  %-10s %s\n", "means", means_text(p->means));
    if (p->means != PHONE_MEANS_NONE) {
        fprintf(out, "  %-10s edition %d, devices as %.*s, %s\n", "form",
                (int)p->edition - CSTA_ED2 + 2, STR_ARG(phone_name_form_name(p->name_form)),
                p->own_events ? "tells calls" : "tells no calls");
    }
    show_services(p, out);
    show_besides(p, out);
    for (unsigned i = 0; i < PHONE_QUIRK_COUNT; i++) {
        if ((p->quirks & 1U << i) != 0) {
            fprintf(out, "  %-10s %s\n", "quirk", phone_quirk_text(1U << i));
        }
    }
    show_lines("set there", p->settings, out);
    show_lines("known from", p->evidence, out);
    fprintf(out, "  %-10s %.*s\n", "file",
            STR_ARG(str_is_set(p->origin) ? p->origin : STR("built in")));
}

static void show_row(const struct phone_profile *p, FILE *out)
{
    fprintf(out, "%-14.*s %-8.*s %.*s\n", STR_ARG(p->name), STR_ARG(phone_means_name(p->means)),
            STR_ARG(p->text));
}

static int list_json(const struct phone_profiles *all, FILE *out)
{
    json_t *said = json_array();

    for (size_t i = 0; i < all->count; i++) {
        (void)json_array_append_new(said, profile_json_entry(&all->item[i]));
    }
    (void)json_array_append_new(said, profile_json_entry(&phone_profile_generic));
    (void)json_array_append_new(said, profile_json_entry(&phone_profile_none));
    json_print_line(said, out);
    return EXIT_CODE_OK;
}

static int list(const struct phone_profiles *all, FILE *out)
{
    for (size_t i = 0; i < all->count; i++) {
        show_row(&all->item[i], out);
    }
    show_row(&phone_profile_generic, out);
    show_row(&phone_profile_none, out);
    return EXIT_CODE_OK;
}

static int show_named(const struct phone_profiles *all, int argc, char **argv, int first,
                      bool json, FILE *out, FILE *err)
{
    json_t *said = json_array();
    int code = EXIT_CODE_OK;
    for (int i = first; i < argc; i++) {
        const struct phone_profile *p = phone_profile_named(all, str_c(argv[i]));
        if (p == NULL) {
            fprintf(err, "baton profiles: there is no %s\n", argv[i]);
            code = EXIT_CODE_FAILED;
        } else if (json) {
            (void)json_array_append_new(said, profile_json(p));
        } else {
            profile_show(p, out);
        }
    }
    if (json) {
        json_print_line(json_incref(said), out);
    }
    json_decref(said);
    return code;
}

static int explain(const struct phone_profiles *all, struct str agent, bool json, FILE *out)
{
    struct phone_choice c = phone_profile_choose(all, agent, STR_NONE);

    if (json) {
        json_print_line(profile_json_choice(all, &c, agent), out);
        return c.profile != NULL ? EXIT_CODE_OK : EXIT_CODE_FAILED;
    }
    if (c.profile == NULL) {
        fprintf(out, "none: %s. It is left alone unless its device has a phone_profile.\n",
                phone_choice_text(c.why));
        return EXIT_CODE_FAILED;
    }
    fprintf(out, "%.*s: %s: %.*s\n", STR_ARG(c.profile->name), phone_choice_text(c.why),
            STR_ARG(c.pattern));
    for (size_t i = 0; i < all->count; i++) {
        const struct phone_profile *p = &all->item[i];
        for (size_t k = 0; k < p->agent_count; k++) {
            if (p->agents[k].p != c.pattern.p && phone_pattern_fits(p->agents[k], agent)) {
                fprintf(out, "  %.*s fits too, less closely or later: %.*s\n", STR_ARG(p->name),
                        STR_ARG(p->agents[k]));
            }
        }
    }
    profile_show(c.profile, out);
    return EXIT_CODE_OK;
}

/* ------------------------------------------------------------------------ reading */

/** Of a file that is one. */
static void show_checked(const struct profile_set *s, json_t *said, FILE *out)
{
    for (size_t k = 0; k < s->profiles.count; k++) {
        if (said != NULL) {
            json_t *o = json_object();
            json_set_str(o, "file", s->item[k].origin);
            json_set_str(o, "name", s->item[k].name);
            (void)json_array_append_new(said, o);
        } else {
            fprintf(out, "%.*s: %.*s\n", STR_ARG(s->item[k].origin), STR_ARG(s->item[k].name));
        }
    }
}

static int check(int argc, char **argv, int first, bool json, FILE *out, FILE *err)
{
    struct config_error error;
    json_t *said = NULL;
    int code = EXIT_CODE_OK;

    if (first == argc) {
        return help_usage_error(&help_profiles, "FILE is missing");
    }
    said = json ? json_array() : NULL;
    for (int i = first; i < argc; i++) {
        struct profile_set *s = profile_set_new();
        if (s == NULL || !profile_set_add(s, argv[i], false, &error)) {
            if (s != NULL) {
                config_error_print(&error, err);
            }
            code = EXIT_CODE_USAGE;
        } else {
            show_checked(s, said, out);
        }
        profile_set_free(s);
    }
    if (json) {
        json_print_line(said, out);
    }
    return code;
}

struct words {
    const char *config, *folder, *agent;
    bool check, json;
    int first; /**< of the names */
};

static int work(const struct phone_profiles *all, const struct words *w, int argc, char **argv,
                FILE *out, FILE *err)
{
    if (w->agent != NULL) {
        return explain(all, str_c(w->agent), w->json, out);
    }
    if (w->first < argc) {
        return show_named(all, argc, argv, w->first, w->json, out, err);
    }
    return (w->json ? list_json : list)(all, out);
}

static int with_config(const struct words *w, int argc, char **argv, FILE *out, FILE *err)
{
    struct config_error error;
    struct config *c = config_look(w->config, &error);
    if (c == NULL) {
        config_error_print(&error, err);
        return EXIT_CODE_USAGE;
    }
    int code = work(c->engine.phone_profiles, w, argc, argv, out, err);
    config_free(c);
    return code;
}

static int with_folder(const struct words *w, int argc, char **argv, FILE *out, FILE *err)
{
    struct profile_set *s = profile_set_new();
    struct config_error error;
    int code = EXIT_CODE_USAGE;

    if (s == NULL) {
        fprintf(err, "baton profiles: out of memory\n");
    } else if (profile_set_add(s, w->folder != NULL ? w->folder : profile_folder, true,
                               &error)) {
        code = work(&s->profiles, w, argc, argv, out, err);
    } else {
        config_error_print(&error, err);
    }
    profile_set_free(s);
    return code;
}

int profiles_run(int argc, char **argv, FILE *out, FILE *err)
{
    struct words w = {.json = args_take(&argc, argv, "--json")};
    int i = 1;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--check") == 0) {
            w.check = true;
        } else if (!args_value("-c", "--config", argc, argv, &i, &w.config) &&
                   !args_value(NULL, "--folder", argc, argv, &i, &w.folder) &&
                   !args_value(NULL, "--explain", argc, argv, &i, &w.agent)) {
            return help_usage_error(&help_profiles, "what is %s?", argv[i]);
        }
    }
    w.first = i;
    if (w.config != NULL && w.folder != NULL) {
        return help_usage_error(&help_profiles, "-c or --folder, not both");
    }
    if (w.agent != NULL && i < argc) {
        return help_usage_error(&help_profiles, "what is %s?", argv[i]);
    }
    if (w.check) {
        return check(argc, argv, i, w.json, out, err);
    }
    return w.config != NULL ? with_config(&w, argc, argv, out, err)
                            : with_folder(&w, argc, argv, out, err);
}

int cmd_profiles(int argc, char **argv)
{
    return profiles_run(argc, argv, stdout, stderr);
}
