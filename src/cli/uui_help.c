/* SPDX-License-Identifier: Apache-2.0 */
/* What `baton help uui` and baton-uui(1) say. */
#include "cli/uui_cmd.h"
#include "cli/uui_seal.h"

static const char *const synopsis[] = {
    "uui decode [--json] [--dialect D] [--lenient] [--pd N] [VALUE|-]...",
    "uui encode (--hex OCTETS | --text TEXT | -) [--pd N] [--package P] [--content C] "
    "[--encoding E] [--uri | --dialect D [--max-octets N]]",
    "uui convert [--from D] [--to D] [--lenient] [--pd N] [--max-octets N] [VALUE|-]...",
    "uui lint [--json | --brief] [--fail-on LEVEL] [--package P]... [--dialect D] "
    "[--value V]... [FILE|-]...",
    "uui dialects",
    "uui keygen [--algorithm A] [--id N] --identity URI [--public HEX] [--out FILE]",
    "uui seal --keys FILE --key N (--hex OCTETS | --text TEXT | -) [--package P] "
    "[--content C] [--way W] [--most N]",
    "uui open --keys FILE [--content C] [--way W] [--at SECONDS] [--window SECONDS] [--json] "
    "[VALUE]...",
    "uui vectors",
    "uui policy explain -c FILE --message FILE [--from PEER|device] [--to PEER|device] "
    "[--from-transport T] [--to-transport T] [--show]",
    NULL,
};

static const struct help_option decode_options[] = {
    {"VALUE", NULL,
     "A value of the header, a whole header line (User-to-User, or Refer-To, Contact and "
     "History-Info with a URI that embeds it), or a URI. Values separated by commas are "
     "taken as those of one message."},
    {"-", NULL,
     "Read from standard input, as is done when there is no VALUE: one of the above per "
     "line, or one SIP message. Empty lines and lines that begin with # are skipped."},
    {"--json", NULL, "Print an array of objects, one per value."},
    {"--dialect", "D",
     "Read what systems with that dialect write; `baton uui dialects` has the names. Header "
     "lines are those in which the dialect keeps its values."},
    {"--lenient", NULL,
     "Read on behind a rule that was broken, where that is possible, and say which it was."},
    {"--pd", "N", "With --dialect: the discriminator of data that comes without one."},
    {NULL, NULL, NULL},
};

static const struct help_option convert_options[] = {
    {"--from, --to", "D", "The dialects; `rfc7434`, the standard, when not given."},
    {"--lenient", NULL,
     "As in decode; and leave out what the far side has no place for, saying so, in place of "
     "refusing the value."},
    {"--pd", "N",
     "The discriminator of data that comes without one, and which data that goes without one "
     "may have."},
    {"--max-octets", "N",
     "Octets of user information that the far side takes, without the discriminator."},
    {NULL, NULL, NULL},
};

static const struct help_option encode_options[] = {
    {"--hex", "OCTETS", "The octets in hex, spaces allowed."},
    {"--text", "TEXT", "The octets as text."},
    {"-", NULL, "The octets as they come from standard input."},
    {"--pd", "N",
     "Put this octet in front, the protocol discriminator: 0 to 255, or 0x00 to 0xFF. Without "
     "it the first octet given is the discriminator; nothing is added unasked."},
    {"--package", "P", "The purpose. Default: isdn-uui."},
    {"--content", "C", "The content. Default: not written."},
    {"--encoding", "E",
     "Default: hex. Another one writes the octets as text, and is not possible with isdn-uui."},
    {"--dialect", "D",
     "Print the header line, URI parameter or body line that systems with "
     "that dialect want."},
    {"--max-octets", "N", "With --dialect, as in convert."},
    {"--uri", NULL, "Escape the value so that it can stand behind User-to-User= in a URI."},
    {NULL, NULL, NULL},
};

static const struct help_option lint_options[] = {
    {"FILE", NULL,
     "A capture (pcap, pcapng), a SIP message, or a text or log that has messages or "
     "User-to-User lines in it; - or none: standard input. Captures may have Ethernet, Linux "
     "cooked, loopback or raw IP frames, with UDP or TCP over IPv4 or IPv6; fragments and "
     "streams are put together. What is encrypted cannot be read."},
    {"--value", "V", "A value, a header line or a URI, as for decode."},
    {"--package", "P",
     "A package that the receiver understands besides isdn-uui: NAME or NAME:ENCODING, its "
     "default encoding being hex or that. Others are ignored by whoever keeps to RFC 7433."},
    {"--dialect", "D",
     "Read the values as systems with that dialect write them, in their headers too; they are "
     "shown with what they come to."},
    {"--fail-on", "LEVEL",
     "The least that makes the exit code 1: wrong, ignored (unless given), note, or never."},
    {"--brief", NULL,
     "One line for each finding, with file and line, and nothing else; also -q."},
    {"--json", NULL, "One object: values with their findings, and a summary."},
    {NULL, NULL, NULL},
};

static const struct help_option policy_options[] = {
    {"-c, --config", "FILE", "The configuration with `uui.rules`."},
    {"--message", "FILE", "The message, with CRLF or LF; - is standard input."},
    {"--from", "WHO", "Who sends it: a peer's name, or device."},
    {"--to", "WHO", "Who gets it, likewise. One of the two is needed."},
    {"--from-transport, --to-transport", "T",
     "udp, tcp, tls, ws or wss; the peer's unless given."},
    {"--show", NULL, "Print the message that leaves."},
    {NULL, NULL, NULL},
};

static const struct help_section sections[] = {
    {"Decode", NULL, decode_options},
    {"Encode", NULL, encode_options},
    {"Convert", "Values of one dialect into those of another, one per line.", convert_options},
    {"Lint",
     "Finds values in messages, logs and captures, explains each, and judges also where it "
     "stands: which messages may carry it (RFC 7433 §4.1), and whether the call was begun with "
     "isdn-uui (RFC 7434 §7).",
     lint_options},
    {"Keygen", "Makes a key for sealed values.", uui_keygen_options},
    {"Seal", "Seals octets and writes the value that carries them.", uui_seal_options},
    {"Open",
     "Takes the seal off, and says whose it is. A value that came before is not told from one "
     "that is new: only a server remembers.",
     uui_open_options},
    {"Vectors", "Prints the test vectors of docs/seal.md as JSON.", NULL},
    {"Policy",
     "Takes a message through the border of a configuration and says which rule would act on "
     "each of its values, and why others would not. Exit status 1: it was refused.",
     policy_options},
    {NULL, NULL, NULL},
};

static const struct help_example examples[] = {
    {"baton uui decode '04C8034B3D31;encoding=hex'", "Show a value octet by octet."},
    {"baton uui decode 'User-to-User: 00C8%3Bencoding%3Dhex'",
     "Find that a value was escaped and never unescaped."},
    {"baton uui decode --json < invite.sip", "All values of a SIP message, embedded ones too."},
    {"baton uui lint --brief trace.pcap", "What is wrong in a capture, a line each."},
    {"baton uui lint --fail-on wrong < proxy.log",
     "For a test run: exit code 1 if one is wrong."},
    {"baton uui encode --pd 4 --text Hello", "044865...;encoding=hex;purpose=isdn-uui"},
    {"baton uui encode --hex '00 C8 03' --uri", "For a Refer-To or Contact."},
    {"baton uui decode --dialect sangoma 'X-Uui: user-information=a%40b'",
     "What a Vega gateway sent."},
    {"baton uui convert --from audiocodes-pd --to genesys '48656C;pd=4'",
     "User-to-User: 0448656C;encoding=hex;..."},
    {"baton uui keygen --identity sip:crm@example.com --out crm.keys", "A key to be shared."},
    {"baton uui policy explain -c baton.yaml --message a.sip --to trunk",
     "Which rule keeps a value back?"},
    {"baton uui seal --keys crm.keys --key 1 --text 'order 4711'",
     "00B301...;encoding=hex;purpose=isdn-uui"},
    {NULL, NULL},
};

static const struct help_exit exits[] = {
    {0, "Every value is valid or its seal whole, or was written."},
    {1, "A value is wrong or to be ignored, there is none, or a receiver would have to refuse "
        "what was to be written. Of lint: something was found, see --fail-on."},
    {2, "The command line is wrong, or a file cannot be read."},
    {0, NULL},
};

const struct help help_uui = {
    .name = "uui",
    .summary = "read, check and write User-to-User values",
    .synopsis = synopsis,
    .description =
        "Takes the User-to-User header of SIP apart (RFC 7433, RFC 7434) and says of each "
        "value what a receiver has to do with it: valid, ignored because a rule says so, or wrong. "
        "Whatever is not valid comes with the rule, the document that has it, and a mark below "
        "the octet where it struck. Nothing is repaired.\n\n"
        "The first octet of isdn-uui, the package that a value without purpose has, is the "
        "protocol discriminator of Table 4-26/Q.931.",
    .sections = sections,
    .examples = examples,
    .exits = exits,
};
