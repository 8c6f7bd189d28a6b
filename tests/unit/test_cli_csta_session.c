/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton csta` against a switching function that does what each test wants (kit_csta_peer.h),
 * and what a good one would not: events before the answer that names their call, answers in the
 * wrong place, a session that is gone.
 */
#include "kit_csta_peer.h"

/* ---- opening ---- */

static void answer_status(struct fake *f, unsigned n, struct str body)
{
    (void)n;
    CHECK(str_find(body, STR("<RequestSystemStatus")) < body.n);
    answer(f, NORMAL);
}

static void test_a_session(void)
{
    struct run r;

    start_fake();
    fake.on_info = answer_status;
    RUN(&r, false, "status");
    CHECK_INT(r.code, 0);
    CHECK_STR(str_c(r.out), "RequestSystemStatus: normal\n");
    CHECK_STR(str_c(r.err), "");
    CHECK(str_starts(str_c(fake.invite), STR("INVITE sip:csta@example.com SIP/2.0\r\n")));
    CHECK(has(fake.invite, "\r\nContent-Type: application/csta+xml\r\n"));
    CHECK(has(fake.invite, "\r\nContent-Disposition: signal;handling=required\r\n"));
    CHECK(has(fake.invite, "\r\nSupported: timer"));
    CHECK(has(fake.invite, "\r\nFrom: <sip:crm@example.com>;tag="));
    CHECK(has(fake.invite, "<RequestSystemStatus" ED3 "/>"));
    CHECK_INT(fake.infos, 1);
    CHECK_INT(fake.byes, 1);
    drop(&r);
}

static void test_sessions_that_are_refused(void)
{
    struct run r;

    start_fake();
    fake.invite_answer = NULL;
    RUN(&r, false, "status");
    CHECK_INT(r.code, 1);
    CHECK_STR(str_c(r.err), "baton csta: the session failed: SIP 403 Forbidden\n"
                            "  the server says: not today\n");
    CHECK_INT(fake.byes, 0);
    drop(&r);

    start_fake();
    fake.invite_answer = "<RequestSystemStatusResponse" ED3 "><systemStatus>disabled"
                         "</systemStatus></RequestSystemStatusResponse>";
    RUN(&r, false, "status");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "the server's system status is not normal"));
    CHECK_INT(fake.byes, 1);
    CHECK_INT(fake.infos, 0);
    drop(&r);

    start_fake();
    fake.invite_answer = "<CSTAErrorCode" ED3 "><operation>privilegeViolationSpecifiedDevice"
                         "</operation></CSTAErrorCode>";
    RUN(&r, false, "status");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "operation/privilegeViolationSpecifiedDevice: this application may not"));
    CHECK_INT(fake.byes, 1);
    drop(&r);

    start_fake();
    fake.invite_answer = "";
    RUN(&r, false, "status");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "without a CSTA message"));
    drop(&r);
}

static void refuse_request(struct fake *f, unsigned n, struct str body)
{
    (void)n;
    (void)body;
    answer(f, "<CSTAErrorCode" ED3 "><operation>invalidDeviceID</operation></CSTAErrorCode>");
}

static void refuse_by_sip(struct fake *f, unsigned n, struct str body)
{
    (void)n;
    (void)body;
    reply(f, 500, "", "");
}

static void test_requests_that_are_refused(void)
{
    struct run r;

    start_fake();
    fake.on_info = refuse_request;
    RUN(&r, false, "snapshot", "1001");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "SnapshotDevice failed: operation/invalidDeviceID: the server does not "
                     "know the device\n"));
    drop(&r);

    start_fake();
    fake.on_info = refuse_by_sip;
    RUN(&r, false, "clear", "1001");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "ClearConnection failed: SIP 500 "));
    CHECK(has(r.err, "the server says: not today\n"));
    CHECK_INT(fake.byes, 1);
    drop(&r);
}

/* ---- calls ---- */

static void early_events(struct fake *f, unsigned n, struct str body)
{
    if (n == 1) {
        CHECK(str_find(body, STR("<MonitorStart")) < body.n);
        answer(f, MONITOR_RESPONSE);
    } else if (n == 2) {
        CHECK(str_find(body, STR("<MakeCall")) < body.n);
        event(f, ORIGINATED);
    } else {
        CHECK(str_find(body, STR("<MonitorStop")) < body.n);
        answer(f, "<MonitorStopResponse" ED3 "/>");
    }
}

/** The event is acknowledged while MakeCall is open; then its answer, then the end. */
static void answer_late(struct fake *f)
{
    CHECK_INT(f->status, 200);
    if (f->responses == 1) {
        answer(f, MAKE_CALL_RESPONSE);
        event(f, CLEARED);
    }
}

static void test_events_wait_for_the_answer(void)
{
    struct run r;

    start_fake();
    fake.on_info = early_events;
    fake.on_response = answer_late;
    RUN(&r, false, "make-call", "1001", "1002", "--watch");
    CHECK_INT(r.code, 0);
    CHECK(IN_ORDER(r.out, "1001 is monitored as 43", "MakeCall: c7/1001", "Originated",
                   "ConnectionCleared"));
    CHECK_INT(fake.infos, 3);
    CHECK_INT(fake.byes, 1);
    drop(&r);
}

static void busy(struct fake *f, unsigned n, struct str body)
{
    (void)body;
    if (n == 1) {
        answer(f, MONITOR_RESPONSE);
    } else if (n == 2) {
        answer(f, MAKE_CALL_RESPONSE);
        event(f, FAILED);
        event(f, CLEARED);
    } else {
        answer(f, "<MonitorStopResponse" ED3 "/>");
    }
}

static void test_a_call_that_fails(void)
{
    struct run r;

    start_fake();
    fake.on_info = busy;
    RUN(&r, true, "make-call", "1001", "1002", "--watch");
    CHECK_INT(r.code, 1);
    CHECK(IN_ORDER(r.out, "\"event\": \"Failed\"", "\"cause\": \"busy\"",
                   "\"event\": \"ConnectionCleared\""));
    drop(&r);
}

static void learn_call(struct fake *f, unsigned n, struct str body)
{
    static const char snapshot[] =
        "<SnapshotDeviceResponse" ED3 "><crossRefIDorSnapshotData><snapshotData>"
        "<snapshotDeviceResponseInfo><connectionIdentifier><callID>c7</callID>"
        "<deviceID>1001</deviceID></connectionIdentifier><localCallState><compoundCallState>"
        "<localConnectionState>connected</localConnectionState></compoundCallState>"
        "</localCallState></snapshotDeviceResponseInfo></snapshotData>"
        "</crossRefIDorSnapshotData></SnapshotDeviceResponse>";

    switch (n) {
    case 1:
        answer(f, MONITOR_RESPONSE);
        break;
    case 2:
        CHECK(str_find(body, STR("<SnapshotDevice")) < body.n);
        answer(f, snapshot);
        break;
    case 3:
        CHECK(str_find(body, STR("<ClearConnection")) < body.n);
        event(f, CLEARED); /* over before it is answered */
        answer(f, "<ClearConnectionResponse" ED3 "/>");
        break;
    default:
        answer(f, "<MonitorStopResponse" ED3 "/>");
        break;
    }
}

static void test_the_call_of_a_device_is_watched(void)
{
    struct run r;

    start_fake();
    fake.on_info = learn_call;
    RUN(&r, false, "clear", "1001", "--watch", "--timeout", "5");
    CHECK_INT(r.code, 0);
    CHECK(has(r.out, "ConnectionCleared"));
    CHECK(has(r.out, "ClearConnection 1001: done"));
    CHECK_INT(fake.infos, 4);
    drop(&r);
}

static void monitor_only(struct fake *f, unsigned n, struct str body)
{
    (void)n;
    answer(f, str_find(body, STR("<MonitorStop")) < body.n ? "<MonitorStopResponse" ED3 "/>"
                                                           : MONITOR_RESPONSE);
    if (n == 1) {
        event(f, DELIVERED);
    }
}

static void test_monitor_ends(void)
{
    struct run r;

    start_fake();
    fake.on_info = monitor_only;
    RUN(&r, false, "monitor", "1001", "--count", "1");
    CHECK_INT(r.code, 0);
    CHECK(has(r.out, "Delivered"));
    drop(&r);

    start_fake();
    fake.on_info = monitor_only;
    RUN(&r, false, "monitor", "1001", "--until", "Held", "--timeout", "0.1");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "did not come in time"));
    CHECK_INT(fake.byes, 1);
    drop(&r);

    start_fake();
    fake.on_info = monitor_only;
    RUN(&r, false, "monitor", "1001", "--timeout", "0.1");
    CHECK_INT(r.code, 0);
    drop(&r);
}

/* ---- losing the session ---- */

static void lose_and_find(struct fake *f, unsigned n, struct str body)
{
    switch (n) {
    case 1: /* the first session's MonitorStart */
        answer(f, MONITOR_RESPONSE);
        request(f, "BYE", "text/plain\r\n", "");
        break;
    case 2:
        CHECK_INT(f->invites, 2);
        CHECK(str_find(body, STR("<MonitorStart")) < body.n);
        answer(f, MONITOR_RESPONSE);
        break;
    case 3:
        CHECK(str_find(body, STR("<SnapshotDevice")) < body.n);
        answer(f, "<SnapshotDeviceResponse" ED3 "><crossRefIDorSnapshotData><snapshotData/>"
                  "</crossRefIDorSnapshotData></SnapshotDeviceResponse>");
        event(f, DELIVERED);
        break;
    default:
        answer(f, "<MonitorStopResponse" ED3 "/>");
        break;
    }
}

static void test_a_lost_session_comes_back(void)
{
    struct run r;

    start_fake();
    fake.on_info = lose_and_find;
    RUN(&r, false, "monitor", "1001", "--until", "Delivered");
    CHECK_INT(r.code, 0);
    CHECK_INT(fake.invites, 2);
    CHECK(IN_ORDER(r.err, "the server has ended the session", "the next attempt is in 1 s",
                   "the session is up again"));
    CHECK(IN_ORDER(r.out, "monitored as 43", "monitored as 43", "1001 has no calls",
                   "Delivered"));
    CHECK_INT(fake.byes, 1);
    drop(&r);
}

static void say_481(struct fake *f, unsigned n, struct str body)
{
    (void)n;
    (void)body;
    reply(f, 481, "", "");
}

static void test_a_command_does_not_survive_its_session(void)
{
    struct run r;

    start_fake();
    fake.on_info = say_481;
    RUN(&r, false, "snapshot", "1001");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "SnapshotDevice failed: SIP 481"));
    CHECK_INT(fake.invites, 1);
    drop(&r);
}

/* ---- what is odd ---- */

static void late_response(struct fake *f, unsigned n, struct str body)
{
    (void)body;
    if (n == 1) {
        reply(f, 200, "", "");
        event(f, "<HoldCallResponse" ED3 "/>"); /* an answer to something else */
        event(f, MONITOR_RESPONSE);
        event(f, DELIVERED);
    } else {
        answer(f, "<MonitorStopResponse" ED3 "/>");
    }
}

static void test_an_answer_in_an_info_of_its_own(void)
{
    struct run r;

    start_fake();
    fake.on_info = late_response;
    RUN(&r, false, "monitor", "1001", "--count", "1");
    CHECK_INT(r.code, 0);
    CHECK(IN_ORDER(r.out, "1001 is monitored as 43", "1001              Delivered"));
    drop(&r);
}

static void empty_answer(struct fake *f, unsigned n, struct str body)
{
    (void)n;
    (void)body;
    reply(f, 200, "", "");
}

static void test_an_empty_answer_is_a_positive_one(void)
{
    struct run r;

    start_fake();
    fake.on_info = empty_answer;
    RUN(&r, false, "hold", "c7/1001");
    CHECK_INT(r.code, 0);
    CHECK_STR(str_c(r.out), "HoldCall c7/1001: done\n");
    drop(&r);
}

/** What the switching function sends, what it has to get, one after the other. */
static const struct {
    const char *type, *body;
    unsigned status;
    const char *want;
} questions[] = {
    {CSTA, "<RequestSystemStatus" ED3 "/>", 200, "<systemStatus>normal</systemStatus>"},
    {CSTA, "<SystemStatus" ED3 "><systemStatus>overloadReached</systemStatus></SystemStatus>",
     200, "<SystemStatusResponse"},
    {CSTA,
     "<SwitchingFunctionDevices" ED3 "><lastSegment>true</lastSegment>"
     "</SwitchingFunctionDevices>",
     200, "Content-Length: 0"},
    {CSTA, "<Escape" ED3 "/>", 200, "<operation>serviceNotSupported</operation>"},
    {CSTA, "<RouteRequest", 400, ""},
    {"text/plain\r\n", "hello", 415, ""},
    {CSTA, "<BrandNewEvent" ED3 "/>", 200, "Content-Length: 0"},
};

static void ask(struct fake *f)
{
    if (f->responses > 0) {
        test_context(questions[f->responses - 1].body);
        CHECK_INT(f->status, questions[f->responses - 1].status);
        CHECK(has(f->answered, questions[f->responses - 1].want));
    }
    if (f->responses < ARRAY_LEN(questions)) {
        request(f, "INFO", questions[f->responses].type, questions[f->responses].body);
    } else {
        event(f, DELIVERED);
        f->on_response = NULL;
    }
}

static void start_asking(struct fake *f, unsigned n, struct str body)
{
    (void)body;
    if (n == 1) {
        answer(f, MONITOR_RESPONSE);
        ask(f);
    } else {
        answer(f, "<MonitorStopResponse" ED3 "/>");
    }
}

static void test_questions_of_the_server(void)
{
    struct run r;

    start_fake();
    fake.on_info = start_asking;
    fake.on_response = ask;
    RUN(&r, false, "monitor", "1001", "--until", "Delivered");
    test_context(NULL);
    CHECK_INT(r.code, 0);
    CHECK(has(r.err, "the server's system status is overloadReached\n"));
    CHECK(has(r.err, "the server asks: Escape\n"));
    CHECK(has(r.out, "BrandNewEvent"));
    drop(&r);
}

static void stop_the_monitor(struct fake *f, unsigned n, struct str body)
{
    (void)n;
    (void)body;
    answer(f, MONITOR_RESPONSE);
    event(f, "<MonitorStop" ED3 "><monitorCrossRefID>43</monitorCrossRefID></MonitorStop>");
}

static void test_the_server_ends_a_monitor(void)
{
    struct run r;

    start_fake();
    fake.on_info = stop_the_monitor;
    RUN(&r, false, "monitor", "1001");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "the server has ended the monitor 43\n"));
    CHECK_INT(fake.infos, 1); /* no MonitorStop for what is gone */
    drop(&r);
}

/* ---- the shell ---- */

static void use_input(const char *text)
{
    char name[] = "/tmp/baton-test-XXXXXX";
    int fd = mkstemp(name);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    CHECK(freopen(name, "r", stdin) != NULL);
    unlink(name);
}

static void play_call(struct fake *f, unsigned n, struct str body)
{
    (void)n;
    if (str_find(body, STR("<MonitorStart")) < body.n) {
        answer(f, MONITOR_RESPONSE);
    } else if (str_find(body, STR("<MakeCall")) < body.n) {
        answer(f, MAKE_CALL_RESPONSE);
        event(f, ORIGINATED);
        event(f, DELIVERED);
    } else if (str_find(body, STR("<ClearConnection")) < body.n) {
        answer(f, "<ClearConnectionResponse" ED3 "/>");
        event(f, CLEARED);
    } else {
        answer(f, "<MonitorStopResponse" ED3 "/>");
    }
}

static void test_a_script(void)
{
    struct run r;

    start_fake();
    fake.on_info = play_call;
    use_input("# a call\n"
              "monitor 1001\n"
              "\n"
              "make-call 1001 1002\n"
              "wait Delivered\n"
              "wait Originated sip:1001@example.com 5\n"
              "clear 1001\n"
              "wait ConnectionCleared 1001");
    RUN(&r, false, "shell");
    CHECK_INT(r.code, 0);
    CHECK_STR(str_c(r.err), "");
    CHECK(IN_ORDER(r.out, "> monitor 1001\n", "1001 is monitored as 43",
                   "> make-call 1001 1002\n", "MakeCall: c7/1001", "> wait Delivered\n",
                   "> clear 1001\n", "ConnectionCleared"));
    CHECK_INT(fake.infos, 4);
    CHECK_INT(fake.byes, 1);
    drop(&r);
}

static void test_waits_answer_once(void)
{
    struct run r;

    start_fake();
    fake.on_info = play_call;
    use_input("monitor 1001\nmake-call 1001 1002\nwait Delivered\nwait Delivered 1001 0.05\n"
              "quit\nstatus\n");
    RUN(&r, false, "shell");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "wait Delivered failed: the event did not come in time\n"));
    CHECK(strstr(r.out, "> status") == NULL);
    drop(&r);

    /* a command begins a new group: what came before does not count */
    start_fake();
    fake.on_info = play_call;
    use_input("monitor 1001\nmake-call 1001 1002\nwait Delivered\nclear 1001\n"
              "wait Originated 1001 0.05\n");
    RUN(&r, false, "shell");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "wait Originated failed"));
    drop(&r);
}

static void test_errors_in_a_script(void)
{
    struct run r;

    start_fake();
    fake.on_info = play_call;
    use_input("dance\nclear '1\nmonitor 1001 --count 3\nshell\nmonitor 1001\nmonitor 1001\n"
              "stop 43\nraw -\n");
    RUN(&r, false, "shell");
    CHECK_INT(r.code, 1);
    CHECK(
        IN_ORDER(r.err, "dance failed: there is no command \"dance\"\n",
                 "failed: a quote is not closed\n", "monitor failed: in the shell, use wait\n",
                 "shell failed: this is the shell\n", "1001 failed: it is monitored already\n",
                 "raw failed: the file cannot be opened\n"));
    CHECK(has(r.out, "MonitorStop 43: done\n"));
    CHECK_INT(fake.infos, 2);
    drop(&r);
}

int main(int argc, char **argv)
{
    static const struct test table[] = {T(test_a_session),
                                        T(test_sessions_that_are_refused),
                                        T(test_requests_that_are_refused),
                                        T(test_events_wait_for_the_answer),
                                        T(test_a_call_that_fails),
                                        T(test_the_call_of_a_device_is_watched),
                                        T(test_monitor_ends),
                                        T(test_a_lost_session_comes_back),
                                        T(test_a_command_does_not_survive_its_session),
                                        T(test_an_answer_in_an_info_of_its_own),
                                        T(test_an_empty_answer_is_a_positive_one),
                                        T(test_questions_of_the_server),
                                        T(test_the_server_ends_a_monitor),
                                        T(test_a_script),
                                        T(test_waits_answer_once),
                                        T(test_errors_in_a_script)};

    setenv("TZ", "UTC", 1);
    tzset();
    return test_run(table, ARRAY_LEN(table), argc, argv);
}
