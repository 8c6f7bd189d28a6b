/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Write User-to-User with baton/uui.h:
 *
 *     encode 'case 4711'
 *
 * prints the header line for an INVITE, and the URI with which a REFER sends a call on together
 * with the same value.
 */
#include <baton/uui.h>
#include <stdio.h>
#include <string.h>

enum { VALUE = 600 };

int main(int argc, char **argv)
{
    struct baton_uui_format ia5 = {.has_pd = true, .pd = 0x04};
    enum baton_uui_rule why = BATON_UUI_RULE_NONE;
    char value[VALUE], escaped[3 * VALUE + 1];
    size_t len, escaped_len;
    if (argc != 2) {
        fprintf(stderr, "usage: %s TEXT\n", argv[0]);
        return 2;
    }
    if (strlen(argv[1]) + 1 > BATON_UUI_ISDN_OCTETS) {
        fprintf(stderr, "an ISDN on the way would drop this in silence\n");
    }
    int rc = baton_uui_encode(argv[1], strlen(argv[1]), &ia5, value, sizeof(value), &len, &why);
    if (rc != 0) {
        fprintf(stderr, "cannot be written: %s\n",
                rc == BATON_UUI_EVALUE ? baton_uui_rule_text(why) : "it is too long");
        return 1;
    }
    if (baton_uui_to_uri(value, len, escaped, sizeof(escaped), &escaped_len) != 0) {
        return 1;
    }
    printf("User-to-User: %s\n", value);
    printf("Refer-To: <sip:agent@example.com?User-to-User=%s>\n", escaped);
    return 0;
}
