/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a report says, in words: see diagnose_words.h.
 *
 * The way that a command takes is walked: do the names lead anywhere, is the phone registered,
 * can it be reached, is it known, does it speak CSTA, and what works then. What follows from an
 * earlier failure is said all the same: it is what is wanted in the end.
 */
#include "cli/diagnose_words.h"
#include "cli/help.h"
#include "cli/text.h"

static void row(struct diagnose_words *w, const char *name)
{
    fprintf(w->out, "%-12s", name);
}

static void advice(struct diagnose_words *w, const char *text)
{
    fprintf(w->out, "%-12s-> %s\n", "", text);
    w->fails = true;
}

/** The value of an attribute; absent when there is none. */
static struct str attr(const struct diagnose_words *w, const char *name)
{
    for (size_t i = 0; i < w->n; i++) {
        if (str_eq(w->attr[i].name, str_c(name))) {
            return w->attr[i].value;
        }
    }
    return STR_NONE;
}

static bool is(struct diagnose_words *w, const char *name, const char *value)
{
    return str_eq(attr(w, name), str_c(value));
}

static void put(struct diagnose_words *w, const char *before, struct str s, const char *behind)
{
    if (s.n > 0) {
        fputs(before, w->out);
        text_put(s, w->out);
        fputs(behind, w->out);
    }
}

/* ---- names ---- */

/** What to do when the phones do not find the server by their domain. They may be told its
    address, so nothing fails for it. */
static void advise_domain(struct diagnose_words *w)
{
    fprintf(w->out,
            "%-12s-> phones that are told the domain alone do not find this server: publish\n"
            "%-12s   SRV and address records, or set its address in the phones\n",
            "", "");
}

static void show_name(struct diagnose_words *w)
{
    bool domain = is(w, "of", "domain"), found = is(w, "found", "yes");

    row(w, "dns");
    put(w, "", attr(w, "host"), "");
    if (found) {
        put(w, ": ", attr(w, "address"), "");
        put(w, " over ", attr(w, "transport"), "");
        fprintf(w->out, "%s\n",
                !domain                ? ""
                : is(w, "here", "yes") ? ", which is this server"
                : is(w, "here", "no")  ? ", which is not this server"
                                       : "");
    } else {
        fprintf(w->out, "%s\n",
                is(w, "found", "asking")   ? ": the name servers have not answered yet"
                : is(w, "found", "silent") ? ": no name server answers"
                                           : ": there is no such name");
    }
    if (domain && (!found || is(w, "here", "no")) && !is(w, "found", "asking")) {
        advise_domain(w);
    } else if (!domain && is(w, "found", "no")) {
        advice(w, is(w, "of", "peer") ? "correct the peer's uri, or the records of that name"
                                      : "the phone registers by a name that nobody knows: set "
                                        "its own address there");
    } else if (!domain && is(w, "found", "silent")) {
        advice(w, "are the name servers right (/etc/resolv.conf, or `dns_servers`)?");
    }
}

/* ---- registrations ---- */

static void show_profile(struct diagnose_words *w)
{
    struct str profile = attr(w, "profile");

    row(w, "  profile");
    if (profile.n > 0) {
        put(w, "", profile,
            is(w, "profileBy", "configured") ? ": the configuration says so\n"
                                             : ": its User-Agent fits ");
        put(w, "", attr(w, "pattern"), "\n");
        w->known = w->known || !is(w, "means", "none");
    } else if (is(w, "profileBy", "unknownName")) {
        fprintf(w->out, "none\n");
        advice(w, "phone_profile of the device names a profile that is not there; `baton "
                  "profiles` lists them");
    } else {
        fprintf(w->out, "none: %s\n",
                is(w, "profileBy", "noUserAgent") ? "it does not say what it is"
                                                  : "no profile fits its User-Agent");
        fprintf(w->out,
                "%-12s-> if it speaks uaCSTA, set phone_profile: generic for the device\n", "");
    }
}

static void show_registration(struct diagnose_words *w)
{
    uint32_t expires_s = 0;

    w->registrations++;
    row(w, "registered");
    put(w, "", attr(w, "contact"), "");
    put(w, " over ", attr(w, "transport"), "");
    put(w, ", from ", attr(w, "from"), "");
    if (str_to_u32(attr(w, "expiresS"), &expires_s)) {
        fprintf(w->out, ", for %u more minutes", expires_s / 60);
    }
    fputc('\n', w->out);
    row(w, "  phone");
    put(w, "", attr(w, "userAgent").n > 0 ? attr(w, "userAgent") : STR("(says no User-Agent)"),
        "\n");
    if (is(w, "nat", "yes")) {
        row(w, "  path");
        fprintf(w->out, "behind NAT: it is reached where its REGISTER came from\n");
    }
    if (is(w, "flow", "closed")) {
        row(w, "  path");
        fprintf(w->out, "its connection is closed\n");
        advice(w, "nothing reaches it until it registers again: shorten its registration, or "
                  "have it send keep-alives (registrar.flow_timer_s)");
    } else if (is(w, "flow", "failed")) {
        row(w, "  path");
        fprintf(w->out, "what was sent there last was not answered\n");
        advice(w, "is the phone on, and is there a firewall or NAT that forgets it?");
    }
    show_profile(w);
}

/* ---- sessions ---- */

static void show_session(struct diagnose_words *w)
{
    bool up = is(w, "state", "up");
    uint32_t status = 0, next_s = 0;

    w->sessions++;
    row(w, "session");
    if (up) {
        fprintf(w->out, "up%s\n",
                is(w, "monitored", "yes") ? ", and the phone tells its calls"
                                          : "; the phone tells no calls");
        return;
    }
    fprintf(w->out, "none");
    if (is(w, "state", "opening") || is(w, "state", "starting")) {
        fprintf(w->out, ", it is being made");
    }
    put(w, ": ", attr(w, "trouble"), "");
    if (str_to_u32(attr(w, "status"), &status)) {
        fprintf(w->out, " (%u)", status);
    }
    if (str_to_u32(attr(w, "nextS"), &next_s)) {
        fprintf(w->out, ", tried again in %u s", next_s);
    }
    fputc('\n', w->out);
    w->fails = true;
    w->fix = true;
}

/* ---- services ---- */

static const char *by_whom(struct str means)
{
    return str_eq(means, STR("switch"))    ? "by Baton"
           : str_eq(means, STR("session")) ? "by the phone"
           : str_eq(means, STR("notify"))  ? "by the phone (NOTIFY)"
           : str_eq(means, STR("talk"))    ? "by the phone (NOTIFY talk)"
           : str_eq(means, STR("key"))     ? "by the phone (a key)"
                                           : "-";
}

static void show_service(struct diagnose_words *w)
{
    struct str name = attr(w, "name");

    if (!w->services) {
        w->services = true;
        fprintf(w->out, "%-12s%-24s%-29s%s\n", "services", "", "calls that Baton carries",
                "others of the phone");
    }
    fprintf(w->out, "%-12s%-24.*s%-29s%s\n", "", STR_ARG(name), by_whom(attr(w, "carried")),
            by_whom(attr(w, "others")));
}

/* ---- the whole ---- */

static void end_of_phones(struct diagnose_words *w)
{
    if (w->services) {
        return; /* services follow each other */
    }
    if (w->registrations == 0 && w->sessions == 0) {
        row(w, "registered");
        fprintf(w->out, "no phone\n");
        advice(w, w->may_register
                      ? "set server, number and password in the phone's account; the server's "
                        "log says what it refuses"
                      : "the device has no password in the configuration, so it cannot "
                        "register");
    } else if (w->known && w->sessions == 0) {
        row(w, "session");
        fprintf(w->out, "none: phones of this device are not asked for one\n");
        advice(w, "set phone_profile or phone: on for the device, or phones.driver: auto for "
                  "all");
    }
}

void diagnose_element(struct diagnose_words *w, struct str name,
                      const struct diagnose_attr *attrs, size_t n)
{
    w->attr = attrs;
    w->n = n;
    if (str_eq(name, STR("deviceReport"))) {
        w->may_register = is(w, "mayRegister", "yes");
        row(w, "device");
        put(w, "", attr(w, "device"), "\n");
    } else if (str_eq(name, STR("name"))) {
        show_name(w);
    } else if (str_eq(name, STR("registration"))) {
        show_registration(w);
    } else if (str_eq(name, STR("session"))) {
        show_session(w);
    } else if (str_eq(name, STR("service"))) {
        end_of_phones(w);
        show_service(w);
    }
    w->attr = NULL;
    w->n = 0;
}

bool diagnose_phones_end(struct diagnose_words *w)
{
    end_of_phones(w);
    return w->fix;
}

void diagnose_setting(struct diagnose_words *w, struct str text)
{
    if (text.n > 0) {
        fprintf(w->out, "%-12s-> on the phone: ", "");
        text_put(text, w->out);
        fputc('\n', w->out);
    }
}

int diagnose_verdict(struct diagnose_words *w)
{
    fprintf(w->out, "%s\n",
            w->fails ? "Something is to be done: see the arrows." : "All is as it should be.");
    return w->fails ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}
