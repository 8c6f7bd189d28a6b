/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialects, one row each. docs/uui-dialects.md says where each is documented and what is
 * only known from traffic; the tests read and write every row.
 *
 * A dialect owns a header only when all that its systems write there has the same form: a trunk
 * of Genesys Cloud that is set to X-User-to-User is a neighbour with another dialect than one
 * that is set to User-to-User.
 *
 * Limits are those of the system itself. What lies behind it (a trunk that takes 32 octets) is
 * the configuration's: uui_far.max_octets.
 */
#include "uui/dialect_form.h"

#define HEADER(lit)                                   \
    {                                                 \
        .place = UUI_AT_HEADER, .name = STR_INIT(lit) \
    }
#define URI_PARAM(lit)                                   \
    {                                                    \
        .place = UUI_AT_URI_PARAM, .name = STR_INIT(lit) \
    }
#define BODY(lit)                                   \
    {                                               \
        .place = UUI_AT_BODY, .name = STR_INIT(lit) \
    }

#define UUI_HEADER HEADER("User-to-User")
#define X_UUI_HEADER HEADER("X-User-to-User")
#define X_UTU_HEADER HEADER("X-UserToUser")

/** encoding=hex;purpose=isdn-uui;content=isdn-uui */
#define FULL \
    .label = STR_INIT("hex"), .purpose = STR_INIT("isdn-uui"), .content = STR_INIT("isdn-uui")

static const struct uui_dialect dialects[] = {
    {
        .name = STR_INIT("rfc7434"),
        .text = "The standard: hex, discriminator first.",
        .writes = "0448656C6C6F;encoding=hex;purpose=isdn-uui",
        .carrier = {UUI_HEADER},
        .label = STR_INIT("hex"),
        .purpose = STR_INIT("isdn-uui"),
        .pd = UUI_PD_IA5,
        .pd_text = UUI_PD_NONE,
        .lists = true,
        .other_packages = true,
        .as_is = true,
    },
    {
        .name = STR_INIT("avaya-shared"),
        .text = "Avaya Communication and Session Manager: shared UUI with UCID and ASAI data.",
        .writes = "04C80548656C6C6F;encoding=hex",
        .carrier = {UUI_HEADER},
        .label = STR_INIT("hex"),
        .max_octets = 128,
        .pd = UUI_PD_IA5,
        .pd_text = UUI_PD_NONE,
        .lists = true,
        .other_packages = true,
        .shared = true,
    },
    {
        .name = STR_INIT("genesys"),
        .text = "Genesys Cloud, header User-to-User: it always cuts off the first octet.",
        .writes = "0448656C6C6F;encoding=hex;purpose=isdn-uui;content=isdn-uui",
        .carrier = {UUI_HEADER},
        FULL,
        .pd = 0x00,
        .pd_hex = UUI_PD_FIRST,
        .pd_text = UUI_PD_FIRST,
        .pd_base = 16,
        .text_data = true,
        .seven_bit = true,
    },
    {
        .name = STR_INIT("genesys-pd"),
        .text = "Genesys Cloud, header User-to-User with parameter pd: nothing is cut off.",
        .writes = "48656C6C6F;pd=04;encoding=hex;purpose=isdn-uui;content=isdn-uui",
        .carrier = {UUI_HEADER},
        FULL,
        .pd = 0x00,
        .pd_hex = UUI_PD_PARAM,
        .pd_text = UUI_PD_PARAM,
        .pd_base = 16,
        .text_data = true,
        .seven_bit = true,
    },
    {
        .name = STR_INIT("genesys-ascii"),
        .text = "Genesys Cloud, as characters: the discriminator is two hex digits in front.",
        .writes = "04Hello;encoding=ascii",
        .carrier = {UUI_HEADER},
        .label = STR_INIT("ascii"),
        .pd = 0x00,
        .pd_hex = UUI_PD_FIRST,
        .pd_text = UUI_PD_FIRST,
        .pd_base = 16,
        .text_data = true,
        .writes_text = true,
        .quotes = true,
    },
    {
        .name = STR_INIT("genesys-x"),
        .text = "Genesys Cloud, header X-User-to-User: no discriminator.",
        .writes = "48656C6C6F;encoding=hex",
        .carrier = {X_UUI_HEADER},
        .label = STR_INIT("hex"),
        .pd = 0x00,
        .pd_hex = UUI_PD_NONE,
        .pd_text = UUI_PD_NONE,
        .text_data = true,
        .seven_bit = true,
    },
    {
        .name = STR_INIT("pureconnect"),
        .text = "Genesys PureConnect, header User-to-User.",
        .writes = "0448656C6C6F;encoding=hex",
        .carrier = {UUI_HEADER},
        .label = STR_INIT("hex"),
        .max_octets = 128,
        .pd = 0x00,
        .pd_text = UUI_PD_NONE,
    },
    {
        .name = STR_INIT("pureconnect-x"),
        .text = "Genesys PureConnect, header X-UserToUser.",
        .writes = "48656C6C6F",
        .carrier = {X_UTU_HEADER},
        .max_octets = 129,
        .pd = 0x00,
        .pd_hex = UUI_PD_NONE,
        .pd_text = UUI_PD_NONE,
    },
    {
        .name = STR_INIT("audiocodes-x"),
        .text = "AudioCodes, UserToUserHeaderFormat 0: header X-UserToUser.",
        .writes = "48656C6C6F",
        .carrier = {X_UTU_HEADER},
        .max_octets = 128,
        .pd = UUI_PD_IA5,
        .pd_hex = UUI_PD_NONE,
        .pd_text = UUI_PD_NONE,
    },
    {
        .name = STR_INIT("audiocodes-pd"),
        .text = "AudioCodes, UserToUserHeaderFormat 1: parameter pd, decimal.",
        .writes = "48656C6C6F;pd=4",
        .carrier = {UUI_HEADER},
        .max_octets = 128,
        .pd = UUI_PD_IA5,
        .pd_hex = UUI_PD_PARAM,
        .pd_text = UUI_PD_PARAM,
        .pd_base = 10,
    },
    {
        .name = STR_INIT("audiocodes-hex"),
        .text = "AudioCodes, UserToUserHeaderFormat 2: discriminator first.",
        .writes = "0448656C6C6F;encoding=hex",
        .carrier = {UUI_HEADER},
        .label = STR_INIT("hex"),
        .max_octets = 128,
        .pd = UUI_PD_IA5,
        .pd_text = UUI_PD_NONE,
    },
    {
        .name = STR_INIT("audiocodes-text"),
        .text = "AudioCodes, UserToUserHeaderFormat 3: the line is text, of discriminator 4.",
        .writes = "Hello;world",
        .carrier = {UUI_HEADER},
        .max_octets = 128,
        .form = UUI_FORM_TEXT,
        .pd = UUI_PD_IA5,
        .pd_hex = UUI_PD_NONE,
        .pd_text = UUI_PD_NONE,
        .writes_text = true,
    },
    {
        .name = STR_INIT("sangoma"),
        .text = "Sangoma Vega, header X-Uui.",
        .writes = "protocol-discriminator=4;user-information=Hello",
        .carrier = {HEADER("X-Uui")},
        .max_octets = 128,
        .form = UUI_FORM_XUUI,
        .pd = UUI_PD_IA5,
    },
    {
        .name = STR_INIT("telcobridges"),
        .text = "TelcoBridges, hex: the draft's purpose, no discriminator.",
        .writes = "48656C6C6F;encoding=hex;purpose=isdn-interwork;content=isdn-uui",
        .carrier = {UUI_HEADER},
        .label = STR_INIT("hex"),
        .purpose = STR_INIT("isdn-interwork"),
        .content = STR_INIT("isdn-uui"),
        .max_octets = 128,
        .pd = UUI_PD_IA5,
        .pd_hex = UUI_PD_NONE,
        .pd_text = UUI_PD_NONE,
        .lists = true,
    },
    {
        .name = STR_INIT("telcobridges-text"),
        .text = "TelcoBridges, text with %HH for what a header cannot have.",
        .writes = "Hello%20world;encoding=text;purpose=isdn-interwork;content=isdn-uui",
        .carrier = {UUI_HEADER},
        .label = STR_INIT("text"),
        .purpose = STR_INIT("isdn-interwork"),
        .content = STR_INIT("isdn-uui"),
        .max_octets = 128,
        .form = UUI_FORM_TEXT,
        .pd = UUI_PD_IA5,
        .pd_hex = UUI_PD_NONE,
        .pd_text = UUI_PD_NONE,
        .writes_text = true,
        .escapes = true,
        .labelled_tail = true,
    },
    {
        .name = STR_INIT("oracle"),
        .text = "Oracle SBC, also towards ISUP (3GPP TS 29.163): the standard.",
        .writes = "0448656C6C6F;encoding=hex;purpose=isdn-uui;content=isdn-uui",
        .carrier = {UUI_HEADER},
        FULL,
        .max_octets = 128,
        .pd = UUI_PD_IA5,
        .pd_text = UUI_PD_NONE,
        .lists = true,
        .other_packages = true,
        .as_is = true,
    },
    {
        .name = STR_INIT("cisco-gtd"),
        .text =
            "Cisco gateways and CVP: a UUS line in an application/gtd body, which is made for them.",
        .writes = "UUS,3,48656C6C6F",
        .carrier = {BODY("application/gtd")},
        .max_octets = 128,
        .form = UUI_FORM_GTD,
        .pd = UUI_PD_IA5,
    },
    {
        .name = STR_INIT("cisco-aai"),
        .text = "Cisco CVP and VVB: shared UUI in a URI parameter aai.",
        .writes = "PD%2C04%3BC8%2C48656C6C6F",
        .carrier = {URI_PARAM("aai"), URI_PARAM("User-to-User")},
        .max_octets = 128,
        .form = UUI_FORM_AAI,
        .pd = UUI_PD_IA5,
        .shared = true,
    },
    {
        .name = STR_INIT("twilio"),
        .text = "Twilio: whatever the customer writes; without encoding it is text.",
        .writes = "0448656C6C6F;encoding=hex",
        .carrier = {UUI_HEADER, X_UUI_HEADER},
        .label = STR_INIT("hex"),
        .pd = UUI_PD_IA5,
        .pd_text = UUI_PD_NONE,
        .text_data = true,
        .unlabelled_text = true,
        .other_packages = true,
        .lists = true,
    },
    {
        .name = STR_INIT("vonage"),
        .text = "Vonage: up to 256 characters, which it does not check.",
        .writes = "0448656C6C6F;encoding=hex",
        .carrier = {UUI_HEADER},
        .label = STR_INIT("hex"),
        .max_chars = 256,
        .pd = UUI_PD_IA5,
        .pd_text = UUI_PD_NONE,
        .text_data = true,
        .other_packages = true,
        .lists = true,
    },
    {
        .name = STR_INIT("bandwidth"),
        .text = "Bandwidth: up to 256 characters, always with an encoding.",
        .writes = "0448656C6C6F;encoding=hex",
        .carrier = {UUI_HEADER},
        .label = STR_INIT("hex"),
        .max_chars = 256,
        .pd = UUI_PD_IA5,
        .pd_text = UUI_PD_NONE,
        .other_packages = true,
        .lists = true,
    },
    {
        .name = STR_INIT("azure"),
        .text = "Azure Communication Services: up to 256 characters.",
        .writes = "0448656C6C6F;encoding=hex",
        .carrier = {UUI_HEADER},
        .label = STR_INIT("hex"),
        .max_chars = 256,
        .pd = UUI_PD_IA5,
        .pd_text = UUI_PD_NONE,
        .text_data = true,
    },
    {
        .name = STR_INIT("amazon"),
        .text = "Amazon Connect and Chime SDK: hex of text or JSON, no discriminator.",
        .writes = "48656C6C6F;encoding=hex",
        .carrier = {UUI_HEADER},
        .label = STR_INIT("hex"),
        .pd = UUI_PD_IA5,
        .pd_hex = UUI_PD_NONE,
        .pd_text = UUI_PD_NONE,
        .text_data = true,
    },
    {
        .name = STR_INIT("telnyx"),
        .text = "Telnyx: passes the header as it is.",
        .writes = "0448656C6C6F;encoding=hex;purpose=isdn-uui",
        .carrier = {UUI_HEADER},
        .label = STR_INIT("hex"),
        .purpose = STR_INIT("isdn-uui"),
        .pd = UUI_PD_IA5,
        .pd_text = UUI_PD_NONE,
        .lists = true,
        .other_packages = true,
        .as_is = true,
    },
    {
        .name = STR_INIT("talkdesk"),
        .text = "Talkdesk: bare hex without discriminator, 256 bytes.",
        .writes = "48656C6C6F",
        .carrier = {UUI_HEADER},
        .max_chars = 256,
        .pd = UUI_PD_IA5,
        .pd_hex = UUI_PD_NONE,
        .pd_text = UUI_PD_NONE,
    },
    {
        .name = STR_INIT("bare-hex"),
        .text = "Hex without discriminator and without any parameter.",
        .writes = "48656C6C6F",
        .carrier = {UUI_HEADER},
        .pd = UUI_PD_IA5,
        .pd_hex = UUI_PD_NONE,
        .pd_text = UUI_PD_NONE,
    },
    {
        .name = STR_INIT("ascii"),
        .text = "Text without discriminator, encoding=ascii.",
        .writes = "Hello;encoding=ascii",
        .carrier = {UUI_HEADER},
        .label = STR_INIT("ascii"),
        .pd = UUI_PD_IA5,
        .pd_hex = UUI_PD_NONE,
        .pd_text = UUI_PD_NONE,
        .text_data = true,
        .unlabelled_text = true,
        .writes_text = true,
        .quotes = true,
    },
    {
        .name = STR_INIT("x-header"),
        .text = "Header X-User-to-User with hex or ascii, as FreeSWITCH and others set it.",
        .writes = "48656C6C6F;encoding=hex",
        .carrier = {X_UUI_HEADER, X_UTU_HEADER},
        .label = STR_INIT("hex"),
        .pd = UUI_PD_IA5,
        .pd_hex = UUI_PD_NONE,
        .pd_text = UUI_PD_NONE,
        .text_data = true,
    },
};

const struct uui_dialect *uui_dialect_at(size_t i)
{
    return i < ARRAY_LEN(dialects) ? &dialects[i] : NULL;
}

const struct uui_dialect *uui_dialect_named(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(dialects); i++) {
        if (str_ieq(dialects[i].name, name)) {
            return &dialects[i];
        }
    }
    return NULL;
}

bool uui_dialect_owns(const struct uui_dialect *d, enum uui_place place, struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(d->carrier); i++) {
        if (d->carrier[i].place == place && str_ieq(d->carrier[i].name, name)) {
            return place != UUI_AT_NONE;
        }
    }
    return false;
}

bool uui_dialect_any_owns(enum uui_place place, struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(dialects); i++) {
        if (uui_dialect_owns(&dialects[i], place, name)) {
            return true;
        }
    }
    return false;
}
