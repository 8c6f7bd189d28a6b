/* SPDX-License-Identifier: Apache-2.0 */
/* What `baton help uui` and baton-uui(1) say. */
#include "cli/uui_cmd.h"

static const char *const synopsis[] = {
    "uui decode [--json] [VALUE|-]...",
    "uui encode (--hex OCTETS | --text TEXT | -) [--pd N] [--package P] [--content C] "
    "[--encoding E] [--uri]",
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
    {"--uri", NULL, "Escape the value so that it can stand behind User-to-User= in a URI."},
    {NULL, NULL, NULL},
};

static const struct help_section sections[] = {
    {"Decode", NULL, decode_options},
    {"Encode", NULL, encode_options},
    {NULL, NULL, NULL},
};

static const struct help_example examples[] = {
    {"baton uui decode '04C8034B3D31;encoding=hex'", "Show a value octet by octet."},
    {"baton uui decode 'User-to-User: 00C8%3Bencoding%3Dhex'",
     "Find that a value was escaped and never unescaped."},
    {"baton uui decode --json < invite.sip", "All values of a SIP message, embedded ones too."},
    {"baton uui encode --pd 4 --text Hello", "044865...;encoding=hex;purpose=isdn-uui"},
    {"baton uui encode --hex '00 C8 03' --uri", "For a Refer-To or Contact."},
    {NULL, NULL},
};

static const struct help_exit exits[] = {
    {0, "Every value is valid, or was written."},
    {1, "A value is wrong or to be ignored, there is none, or a receiver would have to refuse "
        "what was to be written."},
    {2, "The command line is wrong."},
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
