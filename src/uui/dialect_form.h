/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the module: what the forms of the dialects have in common. */
#ifndef BATON_UUI_DIALECT_FORM_H
#define BATON_UUI_DIALECT_FORM_H

#include "uui/dialect.h"

enum uui_form {
    UUI_FORM_ELEMENT, /**< RFC 7433: data and parameters */
    UUI_FORM_TEXT,    /**< characters as they are, up to the parameters or the end */
    UUI_FORM_XUUI,    /**< protocol-discriminator=4;user-information=%HH */
    UUI_FORM_AAI,     /**< PD,04;C8,48656C6C6F;FA,0000... */
    UUI_FORM_GTD,     /**< UUS,3,48656C6C6F */
    UUI_FORM_COUNT
};

/** Where the discriminator is. */
enum uui_pd_at {
    UUI_PD_FIRST, /**< the first octet of the data; in text: its first two characters, in hex */
    UUI_PD_PARAM, /**< parameter pd=; read as FIRST when it is not there */
    UUI_PD_NONE,  /**< nowhere */
};

/** What a form made of a text. */
struct uui_form_read {
    struct str info; /**< user information */
    int pd;          /**< -1: it had none */
    size_t skipped;  /**< octets of the data before `info` */
    enum uui_rule rule;
    size_t at;              /**< of the rule */
    enum uui_rule forgiven; /**< lenient only */
};

/** @return 0 whatever the rule is, or E_NOMEM */
typedef int uui_form_reader(const struct uui_dialect *d, bool lenient, struct str text,
                            struct arena *a, struct uui_form_read *out);

/** Room for what is written is there: 3 octets for each of info, and 128. */
typedef enum uui_rule uui_form_writer(const struct uui_dialect *d, uint8_t pd, struct str info,
                                      struct out *o);

uui_form_reader uui_form_text_read, uui_form_xuui_read, uui_form_aai_read, uui_form_gtd_read;
uui_form_writer uui_form_text_write, uui_form_xuui_write, uui_form_aai_write,
    uui_form_gtd_write;

/** An odd number of digits and other characters are struck in `r`. @return 0 or E_NOMEM */
int uui_form_hex(struct str digits, size_t at, struct arena *a, struct uui_form_read *r,
                 struct str *octets);

#endif
