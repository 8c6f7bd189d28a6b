/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `request NAME KEY=VALUE…`: any request, element by element.
 *
 *   request DeflectCall callToBeDiverted.callID=c7 callToBeDiverted.deviceID=1001
 * newDestination=1002
 *
 * A key is the way to an element, its names joined by dots; what neighbouring keys have in
 * common stands in one element. A key alone is an empty element, and `NAME` or
 * `NAME@ATTRIBUTE=VALUE` says what cannot be said so. The words become XML, and that is read
 * back as the server will read it: what is mandatory, misspelt or of a wrong type is found
 * here, before anything is sent, and the order of the elements becomes that of the schema.
 */
#include "cli/csta_draft.h"

#include "csta/xml.h"
#include <stdio.h>

enum { DEPTH_MAX = 16, XML_ROOM = 32 * 1024 };

struct path {
    struct str part[DEPTH_MAX];
    size_t n;
};

/** "a.b.c" to its parts. @return false: none of them may be empty, or there are too many */
static bool path_read(struct str key, struct path *out)
{
    out->n = 0;
    for (;;) {
        size_t dot = str_index(key, '.');
        if (dot == 0 || out->n == DEPTH_MAX) {
            return false;
        }
        out->part[out->n++] = str_upto(key, dot);
        if (dot == key.n) {
            return true;
        }
        key = str_from(key, dot + 1);
    }
}

static void close_to(struct out *o, struct path *open, size_t depth)
{
    while (open->n > depth) {
        out_c(o, "</");
        out_str(o, open->part[--open->n]);
        out_ch(o, '>');
    }
}

/** How many elements that are open the next one stands in: all but its own name, at most. */
static size_t shared(const struct path *open, const struct path *next)
{
    size_t n = 0;

    while (n < open->n && n + 1 < next->n && str_eq(open->part[n], next->part[n])) {
        n++;
    }
    return n;
}

static int write_word(struct draft *d, struct out *o, struct path *open, struct str word)
{
    size_t equals = str_index(word, '=');
    struct path next;

    if (!path_read(str_upto(word, equals), &next)) {
        return COMPLAIN(d, "\"%.*s\" is no element: KEY=VALUE, KEY may be a.b.c",
                        STR_ARG(word));
    }
    close_to(o, open, shared(open, &next));
    while (open->n < next.n) {
        out_ch(o, '<');
        out_str(o, next.part[open->n]);
        out_ch(o, '>');
        open->part[open->n] = next.part[open->n];
        open->n++;
    }
    if (equals < word.n) {
        xml_write(o, str_from(word, equals + 1), false);
    }
    close_to(o, open, next.n - 1);
    return 0;
}

/** What is wrong, as a user of the command understands it. */
static int not_so(struct draft *d, int err, const struct csta_msg *msg,
                  const struct csta_fault *fault)
{
    char buf[CSTA_ALLOWED_MAX];
    struct out allowed;
    struct str name = d->arg[0];

    out_init(&allowed, buf, sizeof(buf));
    csta_fault_allowed(fault, &allowed);
    if (err == E_UNSUPPORTED && msg->id != CSTA_MSG_NONE) {
        return COMPLAIN(d, "the elements of %.*s are not known here; use raw", STR_ARG(name));
    }
    if (err == E_UNSUPPORTED) {
        return COMPLAIN(d, "\"%.*s\" is no request of CSTA", STR_ARG(name));
    }
    return COMPLAIN(d, "%.*s: %.*s%s%s%s%.*s%s", STR_ARG(name), STR_ARG(fault->element),
                    fault->element.n > 0 ? ": " : "",
                    fault->reason == NULL ? "it cannot be read" : fault->reason,
                    allowed.n > 0 ? " (" : "", (int)allowed.n, buf, allowed.n > 0 ? ")" : "");
}

/** An element that no reader of that request knows: a slip of the pen, most likely. */
static int check_known(struct draft *d, struct str xml)
{
    size_t room = XML_ROOM;
    char *buf = arena_alloc(d->arena, room);
    struct out o;
    int err;

    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, room);
    err = csta_encode(&d->order->msg, CSTA_ED6, &o);
    if (err != 0) {
        return err == E_SPACE ? E_NOMEM : err;
    }
    for (size_t i = 1; i < d->narg; i++) {
        struct str key = str_upto(d->arg[i], str_index(d->arg[i], '='));
        struct path p;
        (void)path_read(key, &p);
        for (size_t k = 0; k < p.n; k++) {
            struct str tag = arena_fmt(d->arena, "<%.*s", STR_ARG(p.part[k]));
            if (tag.n > 0 && str_find(out_str_of(&o), tag) == o.n &&
                str_find(xml, tag) < xml.n) {
                return COMPLAIN(d, "%.*s has no element \"%.*s\"", STR_ARG(d->arg[0]),
                                STR_ARG(p.part[k]));
            }
        }
    }
    return 0;
}

int csta_build_any(struct draft *d)
{
    char *buf = arena_alloc(d->arena, XML_ROOM);
    struct csta_fault fault = {0};
    struct path open = {.n = 0};
    struct csta_msg *msg = &d->order->msg;
    struct str xml, name = d->arg[0];
    struct out o;
    int err;

    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, XML_ROOM);
    out_fmt(&o, "<%.*s xmlns=\"%.*s\">", STR_ARG(name), STR_ARG(csta_edition_ns(CSTA_ED6)));
    for (size_t i = 1; i < d->narg; i++) {
        err = write_word(d, &o, &open, d->arg[i]);
        if (err != 0) {
            return err;
        }
    }
    close_to(&o, &open, 0);
    out_fmt(&o, "</%.*s>", STR_ARG(name));
    xml = out_str_of(&o);
    err = o.over ? E_TOOBIG : csta_decode(xml, NULL, d->arena, msg, &fault);
    if (err == E_NOMEM) {
        return err;
    }
    if (err != 0) {
        return not_so(d, err, msg, &fault);
    }
    if (csta_msg_role(msg->id) != CSTA_ROLE_REQUEST) {
        return COMPLAIN(d, "%.*s is no request", STR_ARG(name));
    }
    return check_known(d, xml);
}

/* ---- forms ---- */

/** Commands that are only a name for a request: its arguments as values ($) or connections (@).
 */
static const struct {
    const char *command, *form;
} forms[] = {
    {"conference", "ConferenceCall heldCall=@1 activeCall=@2"},
    {"add", "SingleStepConferenceCall activeCall=@1 deviceToJoin=$2 participationType=active"},
    {"park", "ParkCall parking=@1 parkTo=$2"},
    {"pickup", "DirectedPickupCall callToBePickedUp=@1 requestingDevice=$2"},
    {"group-pickup", "GroupPickupCall newDestination=$1 pickGroup=$2"},
    {"call-back", "CallBack callbackConnection=@1"},
    {"cancel-call-back", "CancelCallBack originatingDevice=$1 targetDevice=$2"},
    {"send", "SendUserInformation existingCall=@1"},
    {"snapshot-call", "SnapshotCall snapshotObject=@1"},
    {"capabilities", "GetSwitchingFunctionCaps"},
    {"line", "GetLogicalDeviceInformation device=$1"},
    {"phone", "GetPhysicalDeviceInformation device=$1"},
    {"devices", "GetSwitchingFunctionDevices requestedDeviceID=$1"},
    {"register",
     "SystemRegister requestTypes.systemStatus=true requestTypes.switchingFunctionDevicesChanged=true"},
    {"unregister", "SystemRegisterCancel sysStatRegisterID=$1"},
};

static struct str form_of(const char *command)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (str_eq(str_c(command), str_c(forms[i].command))) {
            return str_c(forms[i].form);
        }
    }
    return STR("");
}

/** The words of argument `n` as element `key`: of a connection what is there of it. */
static int add_argument(struct draft *d, struct draft *to, struct str key, char form, size_t n)
{
    struct csta_connection_id c;

    if (n >= d->narg) {
        return 0; /* one that may be left out */
    }
    if (form == '$') {
        to->arg[to->narg++] =
            arena_fmt(d->arena, "%.*s=%.*s", STR_ARG(key), STR_ARG(d->arg[n]));
        return 0;
    }
    c = csta_connection_parse(d->arg[n]);
    if (csta_connection_is_absent(&c)) {
        return COMPLAIN(d, "\"%.*s\" is no connection: callID/deviceID, or a device",
                        STR_ARG(d->arg[n]));
    }
    if (c.call_id.n > 0) {
        to->arg[to->narg++] =
            arena_fmt(d->arena, "%.*s.callID=%.*s", STR_ARG(key), STR_ARG(c.call_id));
    }
    if (c.device_id.value.n > 0) {
        to->arg[to->narg++] =
            arena_fmt(d->arena, "%.*s.deviceID=%.*s", STR_ARG(key), STR_ARG(c.device_id.value));
    }
    return 0;
}

static int add_octets(struct draft *d, struct draft *to, const char *key,
                      const struct csta_data *data)
{
    char *buf = arena_alloc(d->arena, 2 * data->string.n + 1);
    struct str word;
    struct out o;

    if (data->kind == CSTA_DATA_ABSENT) {
        return 0;
    }
    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, 2 * data->string.n + 1);
    out_hex(&o, data->string, true);
    word = arena_fmt(d->arena, "%s.string=%.*s", key, STR_ARG(out_str_of(&o)));
    to->arg[to->narg++] = word;
    return str_is_set(word) ? 0 : E_NOMEM;
}

int csta_build_form(struct draft *d, const char *command)
{
    struct draft *to = arena_zalloc(d->arena, sizeof(*to));
    struct str rest = form_of(command);
    int err;

    if (to == NULL) {
        return E_NOMEM;
    }
    *to = (struct draft){.arena = d->arena, .order = d->order, .complaint = d->complaint};
    while (rest.n > 0) {
        struct str word = str_upto(rest, str_index(rest, ' '));
        size_t equals = str_index(word, '=');
        char mark = equals + 1 < word.n ? word.p[equals + 1] : '\0';
        rest = str_from(rest, word.n < rest.n ? word.n + 1 : word.n);
        if (mark == '$' || mark == '@') {
            err = add_argument(d, to, str_upto(word, equals), mark,
                               (size_t)(word.p[equals + 2] - '1'));
            if (err != 0) {
                return err;
            }
        } else {
            to->arg[to->narg++] = word;
        }
    }
    err = add_octets(d, to, "correlatorData", &d->correlator);
    err = err == 0 ? add_octets(d, to, "userData", &d->user_data) : err;
    return err == 0 ? csta_build_any(to) : err;
}

/* ---- filters ---- */

static const struct {
    const char *name;
    size_t offset; /**< of its pointer */
} groups[] = {
    {"callcontrol", offsetof(struct csta_monitor_filter, call_control)},
    {"callAssociated", offsetof(struct csta_monitor_filter, call_associated)},
    {"mediaAttachment", offsetof(struct csta_monitor_filter, media_attachment)},
    {"physicalDeviceFeature", offsetof(struct csta_monitor_filter, physical_device_feature)},
    {"logicalDeviceFeature", offsetof(struct csta_monitor_filter, logical_device_feature)},
    {"maintenance", offsetof(struct csta_monitor_filter, maintenance)},
    {"voice", offsetof(struct csta_monitor_filter, voice)},
};

/** "Held,DoNotDisturb" to the elements of a filter, each "true". */
static int write_flags(struct out *o, struct str events, struct str *wrong)
{
    while (events.n > 0) {
        struct str name = str_upto(events, str_index(events, ','));
        struct str event = csta_event_name(csta_event_find(name));
        events = str_from(events, name.n < events.n ? name.n + 1 : name.n);
        if (event.n == 0) {
            *wrong = name;
            return E_VALUE;
        }
        for (int end = 0; end < 2; end++) {
            out_c(o, end ? "true</" : "<");
            out_ch(o, (char)(event.p[0] | 0x20));
            out_str(o, str_from(event, 1));
            out_ch(o, '>');
        }
    }
    return 0;
}

/** Groups of which nothing is said need not be there. */
static int drop_empty(struct csta_monitor_filter *f, const struct csta_msg *msg,
                      struct arena *a)
{
    char *buf = arena_alloc(a, XML_ROOM);
    struct out o;

    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, XML_ROOM);
    if (csta_encode(msg, CSTA_ED6, &o) != 0) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        char empty[40];
        (void)snprintf(empty, sizeof(empty), "<%s/>", groups[i].name);
        if (str_find(out_str_of(&o), str_c(empty)) < o.n) {
            memset((char *)f + groups[i].offset, 0, sizeof(void *));
        }
    }
    return 0;
}

int csta_filter_read(struct str events, struct arena *a, const struct csta_monitor_filter **out,
                     struct str *wrong)
{
    char *flags = arena_alloc(a, XML_ROOM), *buf = arena_alloc(a, XML_ROOM);
    struct csta_monitor_filter *filter = arena_zalloc(a, sizeof(*filter));
    struct csta_msg msg = {0};
    struct out f, o;
    int err;

    if (flags == NULL || buf == NULL || filter == NULL) {
        return E_NOMEM;
    }
    out_init(&f, flags, XML_ROOM / 8);
    err = write_flags(&f, events, wrong);
    if (err != 0) {
        return err;
    }
    /* each flag in every group: the reader passes over those that a group has not */
    out_init(&o, buf, XML_ROOM);
    out_c(&o, "<ChangeMonitorFilter><monitorCrossRefID>1</monitorCrossRefID>"
              "<requestedFilterList>");
    for (size_t i = 0; i < ARRAY_LEN(groups) && f.n > 0; i++) {
        out_fmt(&o, "<%s>%.*s</%s>", groups[i].name, (int)f.n, flags, groups[i].name);
    }
    out_c(&o, "</requestedFilterList></ChangeMonitorFilter>");
    if (f.over || o.over || csta_decode(out_str_of(&o), NULL, a, &msg, NULL) != 0) {
        return E_NOMEM;
    }
    *filter = *msg.change_monitor_filter->requested_filter_list;
    *out = filter;
    return drop_empty(filter, &msg, a);
}

int csta_build_filter(struct draft *d)
{
    struct str events = STR(""), wrong;
    int err;

    for (size_t i = 1; i < d->narg; i++) {
        events = arena_fmt(d->arena, "%.*s%s%.*s", STR_ARG(events), i > 1 ? "," : "",
                           STR_ARG(d->arg[i]));
        if (!str_is_set(events)) {
            return E_NOMEM;
        }
    }
    BODY(d, change_monitor_filter, CSTA_MSG_CHANGE_MONITOR_FILTER, change_monitor_filter);
    body->monitor_cross_ref_id = d->arg[0];
    err = csta_filter_read(events, d->arena, &body->requested_filter_list, &wrong);
    return err == E_VALUE ? COMPLAIN(d, "\"%.*s\" is no event of CSTA", STR_ARG(wrong)) : err;
}
