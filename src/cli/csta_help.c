/* SPDX-License-Identifier: Apache-2.0 */
/* What `baton help csta` and baton-csta(1) say. */
#include "cli/csta_cmd.h"

static const char *const synopsis[] = {
    "csta -s SERVER -u NAME [OPTION]... COMMAND [ARGUMENT]...",
    "csta --tcp|--tls HOST:PORT -u NAME|--implicit [OPTION]... COMMAND [ARGUMENT]...", NULL};

static const struct help_option options[] = {
    {"-s, --server", "SERVER",
     "The switching function: HOST[:PORT] or sip:HOST:PORT;transport=tcp."},
    {"--tcp", "HOST:PORT",
     "Instead of --server: CSTA XML over TCP (8-octet header), with an application session of "
     "ECMA-354."},
    {"--tls", "HOST:PORT", "The same over TLS."},
    {"--tls-ca", "FILE", "Certificates to believe, PEM. Default: the system's."},
    {"--tls-name", "NAME", "The name that the server's certificate proves. Default: HOST."},
    {"--tls-cert, --tls-key", "FILE",
     "A certificate of ours and its private key, PEM, for a server that knows applications by "
     "those."},
    {"--implicit", NULL,
     "With --tcp and --tls: no application session, for a server that knows who comes by the "
     "address or the certificate; --user may be left out."},
    {"-u, --user", "NAME",
     "Name of the application for digest, and the user part of From. NAME@DOMAIN sets the domain "
     "of From, To and the Request-URI too; default: the server's host."},
    {"--password", "TEXT",
     "Password. Better: the environment variable BATON_PASSWORD, which other users of the "
     "machine do not see."},
    {"--device", "DEVICE",
     "Whom to invite: a user name or a sip: URI. Default: csta, which a server takes for all its "
     "devices; a phone or a gateway may want the line."},
    {"--edition", "ed2..ed6",
     "Edition of ECMA-323 to write; answers of any are read. Default: ed3."},
    {"--refresh", "SECONDS", "Session interval or duration to ask for, from 90. Default: 600."},
    {"-j, --json", NULL,
     "Print one JSON object a line, with \"kind\" event, response, error or session, and the "
     "whole message under \"message\"."},
    {"-e, --exit-on-error", NULL, "In the shell: leave at the first command that fails."},
    {"-v, --verbose", NULL, "Say on standard error what the protocol layers have to say."},
    {NULL, NULL, NULL},
};

static const struct help_option commands[] = {
    {"make-call", "FROM TO",
     "MakeCall: device FROM calls TO. The phone is rung or answers by itself, as the server has "
     "it. Options: call options, --prompt."},
    {"answer", "CONNECTION", "AnswerCall. Call options."},
    {"clear", "CONNECTION",
     "ClearConnection: hang up, or refuse a call that alerts. Call options, --reason."},
    {"hold", "CONNECTION", "HoldCall. --watch."},
    {"retrieve", "CONNECTION", "RetrieveCall. --watch."},
    {"deflect", "CONNECTION TO",
     "DeflectCall: send an alerting call elsewhere. Call options, --reason."},
    {"transfer", "CONNECTION TO",
     "SingleStepTransferCall: the other party goes to TO. Call options, --reason."},
    {"consult", "CONNECTION TO",
     "ConsultationCall: the other party is held, and the device of CONNECTION calls TO. Call "
     "options."},
    {"alternate", "HELD ACTIVE", "AlternateCall: talk to the other one. --watch."},
    {"reconnect", "ACTIVE [HELD]",
     "ReconnectCall: hang up ACTIVE and take the held call back. --watch."},
    {"join", "HELD ACTIVE",
     "TransferCall: the parties of both calls talk to each other. --watch."},
    {"digits", "CONNECTION DIGITS",
     "GenerateDigits: 0-9 * # A-D to the other end, ',' is a pause. --watch."},
    {"dial", "CONNECTION DIGITS",
     "DialDigits: the rest of a number that make-call left open with ';' at its end. --watch."},
    {"clear-call", "CONNECTION", "ClearCall: hang up for everybody. --user-data, --watch."},
    {"associate", "CONNECTION",
     "AssociateData: --correlator becomes the call's correlatorData."},
    {"route-register", "[DEVICE]",
     "RouteRegister: this session says where calls at DEVICE go, or at all that it is granted. In "
     "the shell; the server's questions are printed."},
    {"route", "CROSSREF TO...",
     "RouteSelect: the call of that question goes to the first TO, or else to the next ones. "
     "--user-data, --correlator."},
    {"route-end", "CROSSREF", "RouteEnd: the call goes where the server's rules say."},
    {"route-reject", "CROSSREF [CAUSE]", "RouteReject: the caller is refused."},
    {"route-cancel", "REGISTRATION", "RouteRegisterCancel."},
    {"conference", "HELD ACTIVE", "ConferenceCall: all parties of both calls together."},
    {"add", "CONNECTION TO",
     "SingleStepConferenceCall: TO joins the call. --user-data, --correlator."},
    {"park", "CONNECTION AT", "ParkCall. --correlator."},
    {"pickup", "CONNECTION BY",
     "DirectedPickupCall: BY takes the call that rings there. --user-data, --correlator."},
    {"group-pickup", "BY [GROUP]", "GroupPickupCall. --user-data, --correlator."},
    {"call-back", "CONNECTION", "CallBack: call again when the busy party is free."},
    {"cancel-call-back", "FROM TO", "CancelCallBack."},
    {"send", "CONNECTION", "SendUserInformation: --user-data or --user-text to the other end."},
    {"monitor", "DEVICE...",
     "MonitorStart for each, then print events until interrupted, or until --count, --until or "
     "--timeout say that it is enough. --calls, --without."},
    {"filter", "CROSSREF [EVENT]...",
     "ChangeMonitorFilter: these events are kept back from now on, all others come."},
    {"snapshot", "DEVICE", "SnapshotDevice: the calls of a device and their states."},
    {"snapshot-call", "CONNECTION", "SnapshotCall: who is in a call."},
    {"devices", "[DEVICE]", "GetSwitchingFunctionDevices: which devices may be used."},
    {"line, phone", "DEVICE",
     "GetLogicalDeviceInformation, GetPhysicalDeviceInformation: what can be done with a device."},
    {"capabilities", NULL, "GetSwitchingFunctionCaps: what the server is, and its profiles."},
    {"register", NULL,
     "SystemRegister: the server says when events were lost and when the devices are others. In "
     "the shell."},
    {"unregister", "REGISTRATION", "SystemRegisterCancel."},
    {"features", "[DEVICE|peer:NAME|uui]",
     "GetCSTAFeatures: what the server offers; and which packages of User-to-User a device, a "
     "peer or the server itself understands."},
    {"status", NULL, "RequestSystemStatus."},
    {"dnd", "DEVICE [on|off]", "GetDoNotDisturb, or SetDoNotDisturb."},
    {"forward", "DEVICE [TYPE on|off [TO [RINGS]]]",
     "GetForwarding, or SetForwarding: TYPE is immediate, busy or no-answer; that counts RINGS, "
     "or seconds such as 20s (with --edition ed6). Without TO: to the number of before."},
    {"waiting", "DEVICE [on|off [AT]]",
     "GetMessageWaitingIndicator, or SetMessageWaitingIndicator; AT is where the message is."},
    {"agent", "DEVICE [STATE [AGENT]]",
     "GetAgentState, or SetAgentState: loggedOn, loggedOff, ready, notReady, "
     "workingAfterCall."},
    {"request", "NAME [KEY=VALUE]...",
     "Any request of CSTA by its name, element by element: KEY is the element, with dots for those "
     "inside of others (callToBeDiverted.deviceID=1001). Checked before it is sent."},
    {"raw", "FILE|-", "Send the file's XML as it is and print the answer as it is."},
    {"shell, -", NULL,
     "Read commands from standard input, one a line, and run them in one session while events "
     "are printed. The end of input is quit."},
    {NULL, NULL, NULL},
};

static const struct help_option call_options[] = {
    {"--user-data", "HEX", "userData: octets in hex, protocol discriminator first."},
    {"--user-text", "TEXT", "userData: the discriminator 04 and TEXT in ASCII."},
    {"--correlator", "HEX", "correlatorData: octets in hex."},
    {"--prompt", NULL, "Let the user at FROM pick up first (autoOriginate prompt)."},
    {"--reason", "CAUSE", "Why: busy, doNotDisturb, normalClearing or another CSTA cause."},
    {"--watch", NULL,
     "Monitor the device first, and print events until the call has ended there."},
    {"--timeout", "SECONDS", "With --watch and monitor: give up after that."},
    {"--count", "N", "monitor: stop after N events."},
    {"--until", "EVENT", "monitor: stop after an event of that name."},
    {"--calls", NULL, "monitor: its arguments are connections, whose calls are watched."},
    {"--without", "EVENT[,EVENT]...", "monitor: events that the server shall not send."},
    {NULL, NULL, NULL},
};

static const struct help_option shell_commands[] = {
    {"stop", "CROSSREF", "MonitorStop of a monitor by its monitorCrossRefID."},
    {"wait", "EVENT [DEVICE] [SECONDS]",
     "Wait for an event, at the monitored DEVICE when given (* is any), at most 30 seconds when "
     "not said otherwise. An event counts when it came after the first of the commands before "
     "this row of waits, so nothing is missed in between; each event answers one wait."},
    {"quit", NULL, "Stop the monitors, end the session, leave."},
    {NULL, NULL, NULL},
};

static const struct help_section sections[] = {
    {"Commands",
     "CONNECTION is callID/deviceID as the events show it, or just a device: its only call. "
     "DEVICE, FROM and TO are numbers, names or URIs as the server knows them.",
     commands},
    {"Options of commands", NULL, call_options},
    {"In the shell",
     "The commands above (monitor without its options), and these. Words are separated by "
     "blanks; quotes keep them together; # begins a comment.",
     shell_commands},
    {NULL, NULL, NULL},
};

static const struct help_example examples[] = {
    {"export BATON_PASSWORD=secret", "For all of these."},
    {"baton csta -s 127.0.0.1 -u crm status", "Is the server there, and are we let in?"},
    {"baton csta -s 127.0.0.1 -u crm features", "What does it offer?"},
    {"baton csta -s 127.0.0.1 -u crm monitor 1001 1002", "Watch two phones until Ctrl-C."},
    {"baton csta -s 127.0.0.1 -u crm monitor 1001 --until Delivered --json",
     "Wait for the next call, as JSON."},
    {"baton csta -s 127.0.0.1 -u crm make-call 1001 1002 --user-text 'case 4711' --watch",
     "Call with user data and follow the call to its end."},
    {"baton csta -s 127.0.0.1 -u crm make-call 1001 1002 --prompt --correlator 0102",
     "The user of 1001 picks up first."},
    {"baton csta -s 127.0.0.1 -u crm answer 1002", "Answer the call that rings at 1002."},
    {"baton csta -s 127.0.0.1 -u crm clear 1002 --reason busy", "Refuse it instead."},
    {"baton csta -s 127.0.0.1 -u crm hold 1001", "Hold; retrieve takes the call back."},
    {"baton csta -s 127.0.0.1 -u crm retrieve c7/1001", "A connection by its identifier."},
    {"baton csta -s 127.0.0.1 -u crm deflect 1002 1003", "Send a ringing call to 1003."},
    {"baton csta -s 127.0.0.1 -u crm transfer 1001 1003 --user-data 04C8",
     "Hand the other party to 1003, with user data."},
    {"baton csta -s 127.0.0.1 -u crm consult 1001 1003", "Ask 1003 while the caller is held …"},
    {"baton csta -s 127.0.0.1 -u crm join 1001 1001",
     "… and connect both: the call that 1001 holds, and the one in which it talks."},
    {"baton csta -s 127.0.0.1 -u crm snapshot 1001", "Which calls has 1001?"},
    {"baton csta --tls cti.example.com:8536 --tls-ca ca.pem -u crm devices",
     "Which devices, over TLS without SIP?"},
    {"baton csta --tcp 127.0.0.1:8535 --implicit monitor 1001 --without Held,Retrieved",
     "Watch a phone over TCP, from a host that the server knows."},
    {"baton csta -s 127.0.0.1 -u crm request SetDoNotDisturb device=1001 doNotDisturbOn=true",
     "A request that has no command of its own."},
    {"baton csta -s 127.0.0.1 -u crm raw request.xml", "Send any CSTA message."},
    {"printf '%s\\n' 'monitor 1001' 'make-call 1001 1002' 'wait Established 1001' 'clear 1001' "
     "| baton csta -s 127.0.0.1 -u crm -e shell",
     "A script in one session."},
    {"baton csta -s 192.0.2.7 -u admin --device 1001 --edition ed4 shell",
     "Talk to a phone that speaks TR/87 itself."},
    {NULL, NULL},
};

static const struct help_exit exits[] = {
    {0,
     "The command was carried out; with --watch, the call has ended and no Failed event came; "
     "in the shell, so was every command."},
    {1,
     "The session or the request was refused or not answered, an event did not come in time, "
     "or the command was interrupted before its end."},
    {2, "The command line, or the file of raw, is wrong."},
    {130, "A second signal ended it at once."},
    {0, NULL},
};

static const char *const see_also[] = {"serve", "phone", "uui", NULL};

const struct help help_csta = {
    .name = "csta",
    .summary = "control and watch phones: a TR/87 client",
    .synopsis = synopsis,
    .description =
        "Opens a CSTA application session over SIP (ECMA TR/87), TCP or TLS with a server, a "
        "gateway or a phone, sends requests in it, and prints answers and events.\n\n"
        "Events are rows of a table: time, monitored device, event, connection, its state at the "
        "device, cause, who calls whom, and user data in hex and as text. A refusal is the "
        "error's category and value, what it means, and what the server says in a Warning.\n\n"
        "A session that is lost while something is monitored is opened again, after a second at "
        "first and half a minute at most; then the monitors are started again, and a snapshot of "
        "each device shows what was missed.",
    .options = options,
    .sections = sections,
    .examples = examples,
    .exits = exits,
    .see_also = see_also,
};
