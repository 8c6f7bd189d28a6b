/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton number test`: a string as applications and phones write numbers, taken apart as the
 * server does it (auth/named.h, auth/directory.h), with each of the configuration's dial plans
 * (rules/number.h) applied to what comes out.
 */
#include "cli/number_cmd.h"
#include "auth/named.h"
#include "cli/args.h"
#include "cli/json.h"
#include "net/net.h"
#include "rules/number.h"
#include "server/config.h"
#include <string.h>

static const char *const synopsis[] = {"number test -c FILE [--json] TEXT...", NULL};

static const struct help_option options[] = {
    {"-c, --config", "FILE", "The configuration with the devices and dial plans."},
    {"--json", NULL, "The same as JSON: a list with an object for each."},
    {"TEXT", NULL, "A number, a sip:, sips: or tel: URI, or N<...> as CSTA has it."},
    {NULL, NULL, NULL},
};

static const struct help_example examples[] = {
    {"baton number test -c baton.yaml 'tel:1001;phone-context=dialstring'",
     "Which device does a Microsoft client mean?"},
    {"baton number test -c baton.yaml 0891234 +49301001",
     "How is a number dialled, and what is it in the world?"},
    {NULL, NULL},
};

static const struct help_exit exits[] = {
    {EXIT_CODE_OK, "Each is a device."},
    {EXIT_CODE_FAILED, "One of them is none, or no name at all."},
    {EXIT_CODE_USAGE, "The command line or the configuration is wrong."},
    {0, NULL},
};

static const char *const see_also[] = {"", "route", "serve", NULL};

const struct help help_number = {
    .name = "number",
    .summary = "what a number or device name becomes, and why",
    .synopsis = synopsis,
    .description =
        "Says of each text what it is made of, the one form of the number in it, which device "
        "an application means by it, and how it is dialled by each of `dial_plans`. A number of "
        "the world begins with +; a tel URI whose phone-context begins with + is one too. It is "
        "the device that has it as `tel`. An application with a `dial_plan` means by other numbers what "
        "that plan makes of them.\n\n"
        "No server is needed and none is asked. No password is needed either: the variables of "
        "password_env need not be set.",
    .options = options,
    .examples = examples,
    .exits = exits,
    .see_also = see_also,
};

static void row(FILE *out, const char *name, const char *why, struct str value)
{
    fprintf(out, "  %-8s %.*s%s%s\n", name, STR_ARG(value), why[0] != '\0' ? "  " : "", why);
}

/** What it was written as. */
static const char *form_of(const struct named *n)
{
    if (str_is_set(n->scheme)) {
        return n->bracketed ? "a URI in brackets" : "a URI";
    }
    return n->bracketed ? "a name in brackets" : "a plain name";
}

static const char *why_number(const struct named *n)
{
    if (!n->world) {
        return "of this place";
    }
    return n->user.p[0] == '+' ? "of the world: it begins with +"
                               : "of the world: phone-context is its beginning";
}

/** @param known  the name itself is a device's: a plan is not asked */
static void show_plans(const struct config *c, const struct directory *dir, bool known,
                       struct str number, FILE *out)
{
    char world[NAMED_MAX], dialled[NAMED_MAX];
    struct out w, d;

    for (size_t i = 0; i < c->plan_count; i++) {
        const struct dial_plan *p = &c->plans[i];
        out_init(&w, world, sizeof(world));
        out_init(&d, dialled, sizeof(dialled));
        number_to_e164(&w, p, number);
        number_from_e164(&d, p, out_str_of(&w));
        const struct device *dev = known ? NULL : directory_device_of_tel(dir, out_str_of(&w));
        fprintf(out, "  plan     %.*s: in the world %.*s, dialled %.*s%s%.*s\n",
                STR_ARG(p->name), STR_ARG(out_str_of(&w)), STR_ARG(out_str_of(&d)),
                dev != NULL ? "; device " : "", STR_ARG(dev != NULL ? dev->uri : STR("")));
    }
}

static bool show(const struct config *c, const struct directory *dir, struct str text,
                 FILE *out)
{
    const struct device *dev = directory_device_named(dir, text);
    char buf[NAMED_MAX];
    struct named n;

    fprintf(out, "%.*s\n", STR_ARG(text));
    if (!named_read(text, buf, &n)) {
        row(out, "wrong", "", STR("there is no name in it"));
        return false;
    }
    row(out, "name", form_of(&n), n.user);
    if (str_is_set(n.host)) {
        row(out, "host", directory_is_domain(dir, n.host) ? "ours" : "not ours", n.host);
    }
    if (str_is_set(n.context)) {
        row(out, "context", "", n.context);
    }
    row(out, "number", why_number(&n), n.number);
    if (dev == NULL) {
        row(out, "device", "no device has this name or number", STR("none"));
    } else if (str_eq(dev->tel, n.number)) {
        row(out, "device", "it is its tel", dev->uri);
    } else {
        row(out, "device", "", dev->uri);
    }
    show_plans(c, dir, dev != NULL, n.number, out);
    return dev != NULL;
}

/* ---- for programs ---- */

static json_t *plans_json(const struct config *c, const struct directory *dir, bool known,
                          struct str number)
{
    char world[NAMED_MAX], dialled[NAMED_MAX];
    json_t *list = json_array();
    struct out w, d;

    for (size_t i = 0; i < c->plan_count; i++) {
        const struct dial_plan *p = &c->plans[i];
        json_t *o = json_object();
        out_init(&w, world, sizeof(world));
        out_init(&d, dialled, sizeof(dialled));
        number_to_e164(&w, p, number);
        number_from_e164(&d, p, out_str_of(&w));
        const struct device *dev = known ? NULL : directory_device_of_tel(dir, out_str_of(&w));
        json_set_str(o, "plan", p->name);
        json_set_str(o, "world", out_str_of(&w));
        json_set_str(o, "dialled", out_str_of(&d));
        json_set_str(o, "device", dev != NULL ? dev->uri : STR_NONE);
        (void)json_array_append_new(list, o);
    }
    return list;
}

/** @return is it a device? */
static bool add_json(const struct config *c, const struct directory *dir, struct str text,
                     json_t *list)
{
    const struct device *dev = directory_device_named(dir, text);
    json_t *o = json_object();
    char buf[NAMED_MAX];
    struct named n;

    json_set_str(o, "text", text);
    (void)json_array_append_new(list, o);
    if (!named_read(text, buf, &n)) {
        return false;
    }
    json_set_str(o, "name", n.user);
    json_set_str(o, "form", str_c(form_of(&n)));
    if (str_is_set(n.host)) {
        json_set_str(o, "host", n.host);
        (void)json_object_set_new(o, "ours", json_boolean(directory_is_domain(dir, n.host)));
    }
    json_set_str(o, "context", n.context);
    json_set_str(o, "number", n.number);
    (void)json_object_set_new(o, "world", json_boolean(n.world));
    json_set_str(o, "device", dev != NULL ? dev->uri : STR_NONE);
    (void)json_object_set_new(o, "plans", plans_json(c, dir, dev != NULL, n.number));
    return dev != NULL;
}

/** Nothing here has to be unpredictable. */
static void no_random(void *ctx, void *out, size_t n)
{
    (void)ctx;
    memset(out, 0, n);
}

/** The texts stand in argv from `first`. */
static int test(struct config *c, int argc, char **argv, int first, bool json, FILE *out,
                FILE *err)
{
    const struct env env = {.mem = mem_libc, .random = no_random};
    struct directory dir;
    json_t *said = NULL;
    int code = EXIT_CODE_OK;

    if (directory_init(&dir, &env, c->domains, c->domain_count) != 0 ||
        config_fill_directory(c, &dir) != 0) {
        fprintf(err, "baton number: out of memory\n");
        return EXIT_CODE_FAILED;
    }
    said = json ? json_array() : NULL;
    for (int i = first; i < argc; i++) {
        struct str text = str_c(argv[i]);
        if (!(json ? add_json(c, &dir, text, said) : show(c, &dir, text, out))) {
            code = EXIT_CODE_FAILED;
        }
    }
    if (json) {
        json_print_line(said, out);
    }
    directory_fini(&dir);
    return code;
}

int number_run(int argc, char **argv, FILE *out, FILE *err)
{
    bool json = args_take(&argc, argv, "--json");
    const char *file = NULL;
    int i = 2;

    if (argc < 2 || strcmp(argv[1], "test") != 0) {
        return help_usage_error(&help_number, "test?");
    }
    while (i < argc && args_value("-c", "--config", argc, argv, &i, &file)) {
        i++;
    }
    if (file == NULL || i >= argc) {
        return help_usage_error(&help_number, "%s is missing",
                                file == NULL ? "-c FILE" : "TEXT");
    }
    struct config_error error;
    struct config *c = config_look(file, &error);
    if (c == NULL) {
        config_error_print(&error, err);
        return EXIT_CODE_USAGE;
    }
    int code = test(c, argc, argv, i, json, out, err);
    config_free(c);
    return code;
}

int cmd_number(int argc, char **argv)
{
    return number_run(argc, argv, stdout, stderr);
}
