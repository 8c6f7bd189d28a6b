/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A profile from YAML:
 *
 *     name: acme
 *     text: Acme desk phones, firmware 3 and later.
 *     agents: ["Acme*"]
 *     means: session
 *     services: [MakeCall, AnswerCall, ClearConnection, MonitorStart, MonitorStop]
 *     quirks: [call-id-counts]
 *     settings: ["features.csta = 1"]
 *
 * The walker that checks the configuration checks the form by the table below; here is what
 * the values mean and what does not go together.
 */
#include "server/profile_file.h"
#include "phone/action.h"
#include "server/config_tree.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/** A profile is a page of text. */
enum { FILE_MOST = 256 << 10, NAME_MOST = 32, AGENTS_MOST = 64 };

const char profile_folder[] = BATON_DATADIR "/profiles";

static const struct config_key action_keys[] = {
    {.name = "uri", .kind = KEY_STRING},     {.name = "notify", .kind = KEY_BOOL},
    {.name = "answer", .kind = KEY_STRING},  {.name = "clear", .kind = KEY_STRING},
    {.name = "hold", .kind = KEY_STRING},    {.name = "retrieve", .kind = KEY_STRING},
    {.name = "make", .kind = KEY_STRING},    {.name = "dnd_on", .kind = KEY_STRING},
    {.name = "dnd_off", .kind = KEY_STRING}, {.name = NULL},
};
static const struct config_section action_section = {.name = "action", .keys = action_keys};

static const struct config_key file_keys[] = {
    {.name = "name", .kind = KEY_NEEDED},
    {.name = "text", .kind = KEY_NEEDED},
    {.name = "agents", .kind = KEY_LIST},
    {.name = "means", .kind = KEY_NEEDED},
    {.name = "edition", .kind = KEY_NUMBER, .least = 2, .most = 6},
    {.name = "name_form", .kind = KEY_STRING},
    {.name = "status_first", .kind = KEY_BOOL},
    {.name = "own_events", .kind = KEY_BOOL},
    {.name = "services", .kind = KEY_LIST},
    {.name = "talk", .kind = KEY_BOOL},
    {.name = "hold", .kind = KEY_BOOL},
    {.name = "feature_event", .kind = KEY_BOOL},
    {.name = "action", .kind = KEY_SECTION, .section = &action_section},
    {.name = "quirks", .kind = KEY_LIST},
    {.name = "settings", .kind = KEY_LIST},
    {.name = "evidence", .kind = KEY_LIST},
    {.name = NULL},
};
static const struct config_section file_section = {.name = "", .keys = file_keys};

void profile_set_init(struct profile_set *s)
{
    memset(s, 0, sizeof(*s));
    arena_init(&s->arena, &mem_libc, 8192);
    s->profiles.item = s->item;
}

void profile_set_fini(struct profile_set *s)
{
    arena_fini(&s->arena);
    s->profiles.count = 0;
}

struct profile_set *profile_set_new(void)
{
    struct profile_set *s = malloc(sizeof(*s));
    if (s != NULL) {
        profile_set_init(s);
    }
    return s;
}

void profile_set_free(struct profile_set *s)
{
    if (s != NULL) {
        profile_set_fini(s);
        free(s);
    }
}

/* ------------------------------------------------------------------------ values */

/** A file that is being read. */
struct reading {
    struct config_tree tree;
    yaml_node_t *root;
    struct profile_set *set;
    struct phone_profile p;
};

static struct str scalar(const yaml_node_t *n)
{
    return str_make((const char *)n->data.scalar.value, n->data.scalar.length);
}

static bool no_memory(struct reading *r)
{
    return tree_fault(&r->tree, NULL, "out of memory");
}

/** @return false: no memory. Absent when the key is. */
static bool text_of(struct reading *r, yaml_node_t *at, const char *key, struct str *out)
{
    yaml_node_t *n = tree_key(&r->tree, at, key);
    *out = n != NULL ? arena_dup(&r->set->arena, scalar(n)) : STR_NONE;
    return n == NULL || str_is_set(*out) || no_memory(r);
}

static bool flag_in(struct reading *r, yaml_node_t *section, const char *key, bool absent)
{
    yaml_node_t *n = tree_key(&r->tree, section, key);
    return n != NULL ? str_eq(scalar(n), STR("true")) : absent;
}

static bool flag_of(struct reading *r, const char *key, bool absent)
{
    return flag_in(r, r->root, key, absent);
}

/** The entries of a list, one a line. */
static bool lines_of(struct reading *r, const char *key, struct str *out)
{
    yaml_node_t *list = tree_key(&r->tree, r->root, key), *n;
    *out = STR_NONE;
    for (size_t i = 0; (n = tree_entry(&r->tree, list, i)) != NULL; i++) {
        const struct str parts[] = {*out, i > 0 ? STR("\n") : STR(""), scalar(n)};
        *out = arena_join(&r->set->arena, parts, ARRAY_LEN(parts));
        if (!str_is_set(*out)) {
            return no_memory(r);
        }
    }
    return true;
}

static bool read_name(struct reading *r)
{
    yaml_node_t *at = tree_key(&r->tree, r->root, "name");
    struct str name = scalar(at);
    bool ok = name.n <= NAME_MOST;
    for (size_t i = 0; ok && i < name.n; i++) {
        char c = ascii_lower(name.p[i]);
        ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    }
    if (!ok) {
        return tree_fault(&r->tree, at,
                          "name: letters, digits, - and _ are allowed, at most %d", NAME_MOST);
    }
    if (str_ieq(name, phone_profile_generic.name) || str_ieq(name, phone_profile_none.name)) {
        return tree_fault(&r->tree, at, "name: %.*s is built in", STR_ARG(name));
    }
    return text_of(r, r->root, "name", &r->p.name);
}

static bool read_agents(struct reading *r)
{
    yaml_node_t *list = tree_key(&r->tree, r->root, "agents"), *n;
    struct str *to = arena_alloc(&r->set->arena, AGENTS_MOST * sizeof(*to));
    if (to == NULL) {
        return no_memory(r);
    }
    for (size_t i = 0; (n = tree_entry(&r->tree, list, i)) != NULL; i++) {
        struct str s = scalar(n);
        if (i == AGENTS_MOST) {
            return tree_fault(&r->tree, n, "agents: more than %d", AGENTS_MOST);
        }
        if (phone_pattern_fits(s, STR(""))) {
            return tree_fault(&r->tree, n, "agents: that fits every phone");
        }
        to[i] = arena_dup(&r->set->arena, s);
        if (!str_is_set(to[i])) {
            return no_memory(r);
        }
        r->p.agent_count = i + 1;
    }
    r->p.agents = to;
    return true;
}

static bool read_services(struct reading *r)
{
    yaml_node_t *list = tree_key(&r->tree, r->root, "services"), *n;
    for (size_t i = 0; (n = tree_entry(&r->tree, list, i)) != NULL; i++) {
        struct str name = str_upto(scalar(n), 60);
        enum csta_msg_id id = csta_msg_find(name);
        /* a root that is known by name only has no role; what answers or tells has another */
        if (id == CSTA_MSG_NONE || csta_msg_role(id) != CSTA_ROLE_REQUEST ||
            str_ends(name, STR("Response")) || str_ends(name, STR("Event"))) {
            return tree_fault(&r->tree, n, "services: there is no service %.*s", STR_ARG(name));
        }
        if (phone_messages_has(&r->p.services, id)) {
            return tree_fault(&r->tree, n, "services: %.*s is there already", STR_ARG(name));
        }
        phone_messages_add(&r->p.services, id);
    }
    return true;
}

static bool unknown_quirk(struct reading *r, yaml_node_t *n)
{
    char all[320];
    struct out o;
    struct str name = str_upto(scalar(n), 60);
    out_init(&o, all, sizeof(all));
    for (unsigned i = 0; i < PHONE_QUIRK_COUNT; i++) {
        out_c(&o, i > 0 ? ", " : "");
        out_str(&o, phone_quirk_name(1U << i));
    }
    return tree_fault(&r->tree, n, "quirks: there is no %.*s; known: %.*s", STR_ARG(name),
                      STR_ARG(out_str_of(&o)));
}

static bool read_quirks(struct reading *r)
{
    yaml_node_t *list = tree_key(&r->tree, r->root, "quirks"), *n;
    for (size_t i = 0; (n = tree_entry(&r->tree, list, i)) != NULL; i++) {
        unsigned bit = phone_quirk_find(scalar(n));
        if (bit == 0) {
            return unknown_quirk(r, n);
        }
        r->p.quirks |= bit;
    }
    return true;
}

static bool read_action(struct reading *r)
{
    yaml_node_t *at = tree_key(&r->tree, r->root, "action");
    const char *why = NULL;
    if (at == NULL) {
        return true;
    }
    r->p.action_notify = flag_in(r, at, "notify", false);
    if (!text_of(r, at, "uri", &r->p.action_uri)) {
        return false;
    }
    if (!str_is_set(r->p.action_uri) && !r->p.action_notify) {
        return tree_fault(&r->tree, at, "uri is missing, or notify: true");
    }
    if (str_is_set(r->p.action_uri) && !phone_action_check(r->p.action_uri, &why)) {
        return tree_fault(&r->tree, tree_key(&r->tree, at, "uri"), "uri: %s", why);
    }
    for (unsigned i = 0; i < PHONE_ACT_COUNT; i++) {
        const char *name = phone_act_name((enum phone_act)i);
        if (!text_of(r, at, name, &r->p.action_key[i])) {
            return false;
        }
        if (str_is_set(r->p.action_key[i]) &&
            !phone_action_key_check((enum phone_act)i, r->p.action_key[i], &why)) {
            return tree_fault(&r->tree, tree_key(&r->tree, at, name), "%s: %s", name, why);
        }
    }
    return true;
}

static bool read_means(struct reading *r)
{
    yaml_node_t *means = tree_key(&r->tree, r->root, "means");
    yaml_node_t *form = tree_key(&r->tree, r->root, "name_form");
    yaml_node_t *edition = tree_key(&r->tree, r->root, "edition");
    uint32_t number = 3;
    if (!phone_means_find(scalar(means), &r->p.means)) {
        return tree_fault(&r->tree, means, "means: none, session or notify is wanted");
    }
    if (form != NULL && !phone_name_form_find(scalar(form), &r->p.name_form)) {
        return tree_fault(&r->tree, form, "name_form: aor, user, tel or mac is wanted");
    }
    if (edition != NULL) {
        (void)str_to_u32(scalar(edition), &number); /* checked to be 2 to 6 */
    }
    r->p.edition = (enum csta_edition)(CSTA_ED2 + number - 2);
    r->p.status_first = flag_of(r, "status_first", r->p.means == PHONE_MEANS_SESSION);
    r->p.own_events = flag_of(r, "own_events", r->p.means == PHONE_MEANS_SESSION);
    r->p.talk = flag_of(r, "talk", false);
    r->p.hold = flag_of(r, "hold", false);
    r->p.feature_event = flag_of(r, "feature_event", false);
    return true;
}

/** What is right alone and wrong together. */
static bool check_whole(struct reading *r)
{
    static const struct phone_messages none;
    const struct phone_profile *p = &r->p;
    bool serves = memcmp(&p->services, &none, sizeof(none)) != 0;
    yaml_node_t *services = tree_key(&r->tree, r->root, "services");
    if (p->means == PHONE_MEANS_NONE && serves) {
        return tree_fault(&r->tree, services, "services: there is no way to ask (means: none)");
    }
    if (p->means != PHONE_MEANS_NONE && !serves) {
        return tree_fault(&r->tree, services, "services: at least one is wanted");
    }
    if (p->means != PHONE_MEANS_SESSION && p->own_events) {
        return tree_fault(&r->tree, tree_key(&r->tree, r->root, "own_events"),
                          "own_events: events come in a session only");
    }
    if (p->own_events && !phone_profile_has(p, CSTA_MSG_MONITOR_START)) {
        return tree_fault(&r->tree, services,
                          "services: events need MonitorStart; or own_events: false");
    }
    return true;
}

/** Where a profile of that name stands, or the end. */
static size_t place_of(const struct profile_set *s, struct str name)
{
    size_t i = 0;
    while (i < s->profiles.count && !str_ieq(s->item[i].name, name)) {
        i++;
    }
    return i;
}

static bool take(struct reading *r, bool shipped)
{
    struct profile_set *s = r->set;
    size_t at = place_of(s, r->p.name);
    if (at < s->profiles.count) {
        bool passed_over = shipped && !s->shipped[at];
        return passed_over || tree_fault(&r->tree, tree_key(&r->tree, r->root, "name"),
                                         "name: %.*s is in %.*s already", STR_ARG(r->p.name),
                                         STR_ARG(s->item[at].origin));
    }
    if (at == PROFILES_MAX) {
        return tree_fault(&r->tree, NULL, "more than %d profiles", PROFILES_MAX);
    }
    s->item[at] = r->p;
    s->shipped[at] = shipped;
    s->profiles.count++;
    return true;
}

bool profile_set_read(struct profile_set *s, const char *path, struct str text, bool shipped,
                      struct config_error *error)
{
    struct reading r = {.set = s};
    struct str name = arena_fmt(&s->arena, "%s%c", path, 0);
    *error = (struct config_error){.file = name.p != NULL ? name.p : path};
    bool ok = tree_load(&r.tree, error->file, text, error);
    r.root = ok ? tree_root(&r.tree) : NULL;
    if (ok && r.root == NULL) {
        ok = tree_fault(&r.tree, NULL, "there is nothing in it");
    }
    r.p.origin = str_upto(name, name.n > 0 ? name.n - 1 : 0);
    ok = ok && tree_check(&r.tree, r.root, error->file, &file_section) && read_name(&r) &&
         text_of(&r, r.root, "text", &r.p.text) && read_agents(&r) && read_means(&r) &&
         read_services(&r) && read_quirks(&r) && read_action(&r) &&
         lines_of(&r, "settings", &r.p.settings) && lines_of(&r, "evidence", &r.p.evidence) &&
         check_whole(&r) && take(&r, shipped);
    tree_free(&r.tree);
    return ok;
}

/* ------------------------------------------------------------------------ files */

static bool failed(struct profile_set *s, const char *path, const char *why,
                   struct config_error *error)
{
    struct str name = arena_fmt(&s->arena, "%s%c", path, 0);
    *error = (struct config_error){.file = name.p != NULL ? name.p : path};
    (void)snprintf(error->text, sizeof(error->text), "%s", why);
    return false;
}

static bool add_file(struct profile_set *s, const char *path, bool shipped,
                     struct config_error *error)
{
    FILE *f = fopen(path, "re");
    struct stat st;
    const char *why = NULL;
    char *text = NULL;
    size_t n = 0;

    if (f == NULL || fstat(fileno(f), &st) != 0) {
        why = strerror(errno);
    } else if (!S_ISREG(st.st_mode) || st.st_size > FILE_MOST) {
        why = "is no profile of a phone";
    } else if ((text = malloc((size_t)st.st_size + 1)) == NULL) {
        why = "out of memory";
    } else {
        n = fread(text, 1, (size_t)st.st_size, f);
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    bool ok = why == NULL ? profile_set_read(s, path, str_make(text, n), shipped, error)
                          : failed(s, path, why, error);
    free(text);
    return ok;
}

static int is_yaml(const struct dirent *d)
{
    return d->d_name[0] != '.' && str_ends(str_c(d->d_name), STR(".yaml"));
}

static bool add_folder(struct profile_set *s, const char *path, bool shipped,
                       struct config_error *error)
{
    struct dirent **names = NULL;
    int n = scandir(path, &names, is_yaml, alphasort);
    bool ok = n >= 0 || failed(s, path, strerror(errno), error);

    for (int i = 0; i < n; i++) {
        struct str file = arena_fmt(&s->arena, "%s/%s%c", path, names[i]->d_name, 0);
        if (ok && file.p == NULL) {
            ok = failed(s, path, "out of memory", error);
        }
        ok = ok && add_file(s, file.p, shipped, error);
        free(names[i]);
    }
    free(names);
    return ok;
}

bool profile_set_add(struct profile_set *s, const char *path, bool shipped,
                     struct config_error *error)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return failed(s, path, strerror(errno), error);
    }
    return S_ISDIR(st.st_mode) ? add_folder(s, path, shipped, error)
                               : add_file(s, path, shipped, error);
}
