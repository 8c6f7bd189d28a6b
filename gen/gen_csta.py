#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From the CSTA vocabulary (gen/csta.txt, which explains its own form) to C and to documentation.

    gen_csta.py TABLE header OUT      csta/vocab.h: enums, structs, names
    gen_csta.py TABLE source OUT      csta/vocab.c: the tables that csta/decode.c and encode.c walk
    gen_csta.py TABLE coverage OUT    docs/coverage-csta.md
    gen_csta.py TABLE check FILE      0 when FILE is what coverage would write

The table is checked as it is read: an unknown type, a name twice or an unknown option is an error
with its line. Output depends on the table alone; the coverage is made only if the tests are there that it names, in the
folder tests beside the table's.
"""
import os
import re
import shlex
import sys

BASIC = {  # table type: (kind, C type, smallest, largest)
    'bool': ('BOOL', 'enum csta_bool', 0, 0),
    'short': ('INT', 'struct csta_int', -2**15, 2**15 - 1),
    'long': ('INT', 'struct csta_int', -2**63, 2**63 - 1),
    'ulong': ('INT', 'struct csta_int', 0, 2**63 - 1),
    'string': ('STR', 'struct str', 0, 0),
    'id': ('ID', 'struct str', 0, 0),
    'hex': ('HEX', 'struct str', 0, 0),
    'Empty': ('EMPTY', None, 0, 0),
    'DeviceTarget': ('TARGET', 'struct csta_device_id', 0, 0),
}
OPTIONS = {'as', 'alias', 'ed4', 'ed6', 'pre4', 'err', 'bits', 'kind', 'only', 'supported', 'prefix', 'lax',
           'inline', 'any', 'plain', 'like', 'body', 'cname', 'of'}


def fail(line, text):
    sys.exit(f'csta.txt:{line}: {text}')


def snake(name):
    parts = []
    for part in name.split(':'):
        part = re.sub(r'^[a-z](?=[A-Z]{2})', lambda m: m.group().upper(), part)
        part = re.sub(r'([A-Z]+)([A-Z][a-z])', r'\1_\2', part)
        part = re.sub(r'([a-z0-9])([A-Z])', r'\1_\2', part)
        parts.append(part.lower())
    return '_'.join(parts)


def ctag(name):
    """What follows csta_ in the names of a type."""
    return re.sub(r'^csta_', '', snake(name))


def options(words, line):
    out = {}
    for word in words:
        key, _, value = word.partition('=')
        if key not in OPTIONS:
            fail(line, f'unknown option "{word}"')
        out[key] = value
    return out


class Row:
    def __init__(self, line, name, type_=None, occurs='O', opts=None):
        self.line, self.name, self.type, self.occurs = line, name, type_, occurs
        self.opts = opts or {}
        self.c = self.opts.get('as') or snake(name)
        self.aliases = [a for a in self.opts.get('alias', '').split(',') if a]


class Block:
    def __init__(self, line, form, name, opts):
        self.line, self.form, self.name, self.opts = line, form, name, opts
        self.rows = []
        self.c = opts.get('cname') or ctag(opts.get('as') or name)
        self.role = None
        self.id = 0


class Table:
    def __init__(self, path):
        self.types, self.messages, self.names = {}, [], []
        self.profiles, self.drivers, self.shown = [], [], []
        block = None
        with open(path, encoding='utf-8') as file:
            for number, text in enumerate(file, 1):
                text = text.split('#')[0].rstrip()
                if not text:
                    continue
                if text[0] != ' ':
                    block = self.open(number, shlex.split(text))
                else:
                    self.row(block, number, text.split())
        self.check()

    def open(self, line, words):
        form = words[0]
        if form == 'names':
            return Block(line, 'names', '', options(words[1:], line))
        if form in ('profile', 'driver'):
            block = Block(line, form, words[1], options(words[2:-1], line))
            block.title = words[-1]
            (self.profiles if form == 'profile' else self.drivers).append(block)
            return block
        if form == 'shown':
            block = Block(line, form, words[1] if len(words) > 1 else '', {})
            self.shown.append(block)
            return block
        if form == 'message':
            block = Block(line, form, words[1], options(words[3:], line))
            block.role = words[2]
            self.messages.append(block)
            return block
        if form not in ('enum', 'flags', 'struct', 'choice', 'text', 'xml', 'caps'):
            fail(line, f'unknown form "{form}"')
        block = Block(line, form, words[1], options(words[2:], line))
        if block.name in self.types or block.name in BASIC:
            fail(line, f'{block.name} is there already')
        self.types[block.name] = block
        return block

    def row(self, block, line, words):
        if block is None:
            fail(line, 'a row without a block')
        if block.form == 'names':
            self.names += [(word, 'ed6' in block.opts) for word in words]
        elif block.form == 'shown':
            block.rows += [Row(line, word, words[0]) for word in words[1:]]
        elif block.form in ('profile', 'driver'):
            block.rows += [Row(line, word) for word in words]
        elif block.form in ('enum', 'flags'):
            for word in words:
                last = block.rows[-1] if block.rows else None
                if '=' in word or word in ('ed4', 'ed6', 'pre4'):
                    opts = {**last.opts, **options([word], line)}
                    block.rows[-1] = Row(line, last.name, last.type, 'O', opts)
                else:
                    block.rows.append(Row(line, word, 'bool'))
        elif block.form in ('struct', 'message'):
            block.rows.append(Row(line, words[0], words[1], words[2], options(words[3:], line)))
            if words[2] not in 'MmO':
                fail(line, 'occurrence is M, m or O')
        else:
            block.rows.append(Row(line, words[0], words[1], 'O', options(words[2:], line)))

    def check(self):
        self.roots = {}
        for message in self.messages:
            for name in [message.name] + [a for a in message.opts.get('alias', '').split(',') if a]:
                if name in self.roots:
                    fail(message.line, f'{name} twice')
                self.roots[name] = message
        for name, _ in self.names:
            if name in self.roots:
                sys.exit(f'csta.txt: {name} is a message and a name')
        for block in list(self.types.values()) + self.messages:
            seen = set()
            for row in block.rows:
                for name in [row.name] + row.aliases:
                    if name in seen:
                        fail(row.line, f'{name} twice in {block.name}')
                    seen.add(name)
                if block.form in ('enum', 'caps') or row.type is None:
                    continue
                base = row.type.split(':')[-1].rstrip('*+')
                if base not in BASIC and base not in self.types:
                    fail(row.line, f'unknown type {base}')
        self.msg_ids = {}
        for block in self.messages:
            self.msg_ids[block.name] = 'CSTA_MSG_' + block.c.upper()
        for name, _ in self.names:
            self.msg_ids[name] = 'CSTA_MSG_' + ctag(name).upper()
        titles = {}
        for block in self.profiles + self.drivers + self.shown:
            for row in block.rows:
                if row.name not in self.msg_ids:
                    fail(row.line, f'{row.name} is no message')
            if block.opts.get('of', block.name) not in {block.name, *titles}:
                fail(block.line, f'{block.name} is of a profile that is not there yet')
            if block.form != 'shown':
                titles[block.name] = block.title

    # ---- C types

    def form(self, name):
        return self.types[name].form if name in self.types else None

    def is_pointer(self, name):
        """Whether a field of this type is a pointer in C."""
        return self.form(name) in ('struct', 'flags', 'choice') and \
            'inline' not in self.types[name].opts

    def value_type(self, name):
        if name in BASIC:
            return BASIC[name][1]
        block = self.types[name]
        if block.form == 'enum':
            return 'enum csta_' + block.c
        if block.form == 'xml':
            return 'struct csta_xml'
        if block.form == 'caps':
            return 'struct csta_feature_list'
        if 'like' in block.opts:
            return 'struct csta_' + self.types[block.opts['like']].c
        return 'struct csta_' + block.c

    def field_type(self, type_):
        if type_[-1] in '*+':
            return f'struct csta_{self.list_tag(type_)}_list'
        ctype = self.value_type(type_)
        return f'const {ctype} *' if self.is_pointer(type_) else ctype

    def list_tag(self, type_):
        base = type_.rstrip('*+').split(':')[-1]
        return self.types[base].c if base in self.types else snake(base)

    def choice_fields(self, block):
        """[(C declaration, ...)] of the payload of a choice, one per distinct member."""
        out = {}
        for row in block.rows:
            member, ctype = self.choice_member(row)
            if member:
                out.setdefault(member, (ctype, row))
        return out

    def choice_member(self, row):
        if row.type == 'Empty':
            return None, None
        if self.form(row.type) == 'enum' and row.type.endswith('Errors'):
            return 'value', 'unsigned'
        if 'kind' in row.opts:
            return row.opts['kind'], self.field_type(row.type)
        return row.c, self.field_type(row.type)

    def kind_name(self, block, row):
        top = self.types[block.opts['like']] if 'like' in block.opts else block
        word = row.opts.get('kind') or row.opts.get('as') or row.name
        return f'CSTA_{top.c}_{snake(word)}'.upper()

    def inline_order(self):
        """Types sorted so that whatever is held by value comes first."""
        out, state = [], {}

        def visit(block):
            if state.get(block.name) == 2:
                return
            if state.get(block.name) == 1:
                fail(block.line, f'{block.name} holds itself')
            state[block.name] = 1
            if 'like' in block.opts:
                visit(self.types[block.opts['like']])
            for row in block.rows:
                if block.form in ('enum', 'caps', 'xml') or row.name == '@*':
                    continue
                base = row.type.split(':')[-1].rstrip('*+')
                if base in self.types and not self.is_pointer(base) and row.type[-1] not in '*+':
                    visit(self.types[base])
                if row.type == 'DeviceTarget':
                    visit(self.types['DeviceID'])
            state[block.name] = 2
            out.append(block)
        for block in list(self.types.values()) + self.messages:
            visit(block)
        return out

    def lists(self):
        seen = {}
        for block in list(self.types.values()) + self.messages:
            for row in block.rows:
                if row.type and row.type[-1] in '*+':
                    base = row.type.rstrip('*+').split(':')[-1]
                    seen.setdefault(self.list_tag(row.type), self.value_type(base))
        return seen


def members(t, block):
    for row in block.rows:
        if row.name == '@*':
            yield row, row.opts['as'], f'const {t.value_type(row.type)} *'
        else:
            yield row, row.c.lstrip('@'), t.field_type(row.type)


def declare(ctype, name):
    return f'{ctype}{name};' if ctype.endswith('*') else f'{ctype} {name};'


def enum_prefix(block):
    return 'CSTA_' + (block.opts.get('prefix') or block.c).upper()


HEAD = '''/* SPDX-License-Identifier: Apache-2.0 */
/* Made by gen/gen_csta.py from gen/csta.txt; change the table, not this file. */
'''


def write_header(t):
    o = [HEAD, '#ifndef BATON_CSTA_VOCAB_H', '#define BATON_CSTA_VOCAB_H', '',
         '#include "csta/value.h"', '']
    o.append('/** The root elements. Those behind CSTA_MSG_LAST_BODY are known by name only. */')
    o.append('enum csta_msg_id {\n    CSTA_MSG_NONE,')
    ids = [t.msg_ids[m.name] for m in t.messages]
    o += [f'    {i},' for i in ids]
    o.append(f'    CSTA_MSG_LAST_BODY = {ids[-1]},')
    o += [f'    {t.msg_ids[n]},' for n, _ in t.names]
    o += ['    CSTA_MSG_COUNT', '};', '']
    o += ['/** A list of GetCSTAFeatures: services or events, NULL when the list is absent. */',
          'struct csta_feature {', '    enum csta_msg_id id;',
          '    const struct csta_feature_bit *bit; /**< capability bits, as far as given */',
          '    size_t nbit;', '};',
          'struct csta_feature_list {', '    const struct csta_feature *item;', '    size_t n;', '};',
          '']
    o.append('/** Profiles of TR/87. */\nenum csta_profile {')
    o += [f'    CSTA_PROFILE_{snake(p.name).upper()}, /**< {p.title} */' for p in t.profiles]
    o += ['};', '/** Is all of it supported, and of the profile that it builds on? */',
          'bool csta_profile_is_whole(enum csta_profile profile);', '']
    for block in t.types.values():
        if block.form != 'enum':
            continue
        prefix = enum_prefix(block)
        o.append(f'enum csta_{block.c} {{\n    {prefix}_ABSENT,')
        o += [f'    {prefix}_{row.c.upper()},' for row in block.rows]
        o += [f'    {prefix}_COUNT', '};',
              f'/** "" when absent or unknown. */\nstruct str csta_{block.c}_name(enum csta_{block.c} value);',
              f'/** {prefix}_ABSENT when unknown. */\nenum csta_{block.c} csta_{block.c}_find(struct str name);',
              '']
    structs = [b for b in t.inline_order() if b.form not in ('enum', 'xml', 'caps')]
    lists = t.lists()
    for block in structs:
        if 'like' not in block.opts and 'body' not in block.opts:
            o.append(f'struct csta_{block.c};')
    o.append('')
    for tag, item in sorted(lists.items()):
        o += [f'struct csta_{tag}_list {{', f'    {declare("const " + item + " *", "item")}',
              '    size_t n;', '};']
    o.append('')
    for block in structs:
        if 'like' in block.opts or 'body' in block.opts:
            continue
        if block.form == 'choice':
            o += choice_struct(t, block)
            continue
        if block.form == 'message':
            o.append(f'/** <{block.name}>, {block.role}. */')
        o.append(f'struct csta_{block.c} {{')
        if block.form == 'text':
            o.append('    struct str value; /**< the text */')
        for row, name, ctype in members(t, block):
            note = {'M': ' /**< mandatory */', 'm': ' /**< always sent; a peer may forget it */'}
            o.append(f'    {declare(ctype, name)}{note.get(row.occurs, "")}')
        o += ['};', '']
    o.append('/** The bodies of struct csta_msg: one pointer for each message. */')
    o.append('#define CSTA_MSG_BODIES \\')
    for block in t.messages:
        ctype = t.value_type(block.opts['body']) if 'body' in block.opts else f'struct csta_{block.c}'
        o.append(f'    const {ctype} *{block.c}; \\')
    o[-1] = o[-1].rstrip(' ;\\')
    o += ['', '#endif', '']
    return '\n'.join(o)


def choice_struct(t, block):
    o = [f'enum csta_{block.c}_kind {{', f'    CSTA_{block.c.upper()}_ABSENT,']
    o += [f'    {t.kind_name(block, row)},' for row in block.rows]
    o.append('};')
    o += [f'struct csta_{block.c} {{', f'    enum csta_{block.c}_kind kind;']
    fields = t.choice_fields(block)
    if len(fields) > 1 and 'value' not in fields:
        o.append('    union {')
        o += [f'        {declare(ct, m)}' for m, (ct, _) in fields.items()]
        o.append('    };')
    else:
        o += [f'    {declare(ct, m)}' for m, (ct, _) in fields.items()]
    return o + ['};', '']


# ---- the tables


def quote(text):
    return '"' + text + '"'


class Source:
    def __init__(self, t):
        self.t, self.o = t, []
        self.errors = {row.name: row.c for row in t.types['OperationErrors'].rows}

    def type_ref(self, type_):
        t = self.t
        if type_[-1] in '*+':
            return '&list_' + re.sub(r'\W', '_', type_.rstrip('*+')) + ('_in_place' if type_[-1] == '+' else '')
        return '&type_' + (snake(type_) if type_ in BASIC else self.ident(t.types[type_]))

    def ident(self, block):
        return ('msg_' if block.form == 'message' else '') + ctag(block.name)

    def field(self, name, type_, flags, offset, error=0, kind=0):
        return (f'    {{{quote(name)}, {len(name)}, {" | ".join(flags) or 0}, {offset}, {error}, '
                f'{self.type_ref(type_)}, {kind}}},')

    def struct_fields(self, block, ctype):
        t, out = self.t, []
        for row in block.rows:
            if row.name == '@*':
                continue
            name = row.name.lstrip('@')
            member = row.c.lstrip('@')
            flags = []
            if row.occurs in 'Mm':
                flags.append('CSTA_F_MANDATORY' if row.occurs == 'M' else 'CSTA_F_EXPECTED')
            flags += ['CSTA_F_' + k.upper() for k in ('ed4', 'ed6', 'pre4') if k in row.opts]
            if row.type[-1] not in '*+' and t.is_pointer(row.type):
                flags.append('CSTA_F_POINTER')
            if row.type[-1] == '+':
                flags.append('CSTA_F_REPEATED')
            error = 0
            if 'err' in row.opts:
                if row.opts['err'] not in self.errors:
                    fail(row.line, f'unknown error {row.opts["err"]}')
                error = f'CSTA_OPERATION_{self.errors[row.opts["err"]].upper()}'
            where = f'offsetof({ctype}, {member})'
            out.append(self.field(name, row.type, flags, where, error))
            for alias in row.aliases:
                out.append(self.field(alias, row.type, flags + ['CSTA_F_ALIAS'], where, error))
        return out

    def choice_fields(self, block, ctype):
        t, out = self.t, []
        for row in block.rows:
            if 'only' in row.opts:
                continue
            member, _ = t.choice_member(row)
            flags = []
            if row.type != 'Empty' and t.is_pointer(row.type):
                flags.append('CSTA_F_POINTER')
            where = f'offsetof({ctype}, {member})' if member else '0'
            kind = t.kind_name(block, row)
            out.append(self.field(row.name, row.type, flags, where, 0, kind))
            for alias in row.aliases:
                out.append(self.field(alias, row.type, flags + ['CSTA_F_ALIAS'], where, 0, kind))
        return out

    def enum(self, block):
        o, prefix = self.o, enum_prefix(block)
        tag = self.ident(block)
        o.append(f'static const struct str name_{tag}[] = {{\n    STR_INIT(""),')
        o += [f'    STR_INIT({quote(row.name)}),' for row in block.rows]
        o.append('};')
        names = []
        for row in block.rows:
            for name in [row.name] + row.aliases:
                names.append((len(name), name, f'{prefix}_{row.c.upper()}'))
        o.append(f'static const struct csta_name find_{tag}[] = {{')
        o += [f'    {{{quote(n)}, {l}, {v}}},' for l, n, v in sorted(names)]
        o.append('};')
        before = 'NULL'
        if any(row.opts.get('ed6') for row in block.rows):
            before = f'before_{tag}'
            by_name = {row.name: row for row in block.rows}
            o.append(f'static const uint16_t {before}[] = {{\n    0,')
            for row in block.rows:
                other = by_name[row.opts['ed6']] if row.opts.get('ed6') else row
                o.append(f'    {prefix}_{other.c.upper()},')
            o.append('};')
        lax = block.opts.get('lax')
        lax = f'{prefix}_{snake(lax).upper()}' if lax else '0'
        o.append(f'static const struct csta_enum enum_{tag} = {{name_{tag}, find_{tag}, {before}, '
                 f'{len(block.rows)}, {len(names)}, {lax}}};')
        o.append(f'static const struct csta_type type_{tag} = {{.name = {quote(block.name)}, '
                 f'.kind = CSTA_K_ENUM, .size = sizeof(enum csta_{block.c}), .names = &enum_{tag}}};')
        o.append(f'struct str csta_{block.c}_name(enum csta_{block.c} value)\n{{\n'
                 f'    return csta_enum_name(&enum_{tag}, value);\n}}')
        o.append(f'enum csta_{block.c} csta_{block.c}_find(struct str name)\n{{\n'
                 f'    return (enum csta_{block.c})csta_enum_find(&enum_{tag}, name);\n}}\n')

    def caps(self, block):
        o, t, tag = self.o, self.t, self.ident(block)
        supported = {m.name for m in t.messages if 'supported' in m.opts}
        rows = []
        for row in block.rows:
            if row.type not in t.msg_ids:
                fail(row.line, f'unknown message {row.type}')
            bits = [b for b in row.opts.get('bits', '').split(',') if b]
            if bits:
                o.append(f'static const struct csta_feature_bit bits_{snake(row.name)}[] = {{')
                o += [f'    {{STR_INIT({quote(b)}), true}},' for b in bits]
                o.append('};')
            rows.append(f'    {{STR_INIT({quote(row.name)}), {t.msg_ids[row.type]}, '
                        f'{"true" if row.type in supported else "false"}, '
                        f'{"bits_" + snake(row.name) if bits else "NULL"}, {len(bits)}}},')
        rows = rows or ['    {{NULL, 0}, CSTA_MSG_NONE, false, NULL, 0},']
        o.append(f'static const struct csta_cap caps_{tag}[] = {{')
        o += rows + ['};']
        o.append(f'static const struct csta_type type_{tag} = {{.name = {quote(block.name)}, '
                 f'.kind = CSTA_K_CAPS, .size = sizeof(struct csta_feature_list), .caps = caps_{tag}, '
                 f'.ncap = {len(block.rows)}}};\n')

    def compound(self, block):
        t, o, tag = self.t, self.o, self.ident(block)
        if 'body' in block.opts:
            return
        ctype = t.value_type(block.name) if block.form != 'message' else f'struct csta_{block.c}'
        form = {'flags': 'STRUCT', 'struct': 'STRUCT', 'message': 'STRUCT', 'choice': 'CHOICE',
                'text': 'TEXT', 'xml': 'XML'}[block.form]
        rows = self.choice_fields(block, ctype) if form == 'CHOICE' else \
            self.struct_fields(block, ctype) if form in ('STRUCT', 'TEXT') else []
        extra = ''
        if rows:
            o.append(f'static const struct csta_field field_{tag}[] = {{')
            o += rows + ['};']
            extra += f', .field = field_{tag}, .nfield = {len(rows)}'
        flags = [f'CSTA_T_{k.upper()}' for k in ('any', 'plain') if k in block.opts]
        if flags:
            extra += f', .flags = {" | ".join(flags)}'
        if 'lax' in block.opts:
            extra += f', .lax = CSTA_{block.c.upper()}_{block.opts["lax"].upper()}'
        for row in block.rows:
            if row.name == '@*':
                extra += (f', .more = {self.type_ref(row.type)}, '
                          f'.more_offset = offsetof({ctype}, {row.opts["as"]})')
        o.append(f'static const struct csta_type type_{tag} = {{.name = {quote(block.name)}, '
                 f'.kind = CSTA_K_{form}, .size = sizeof({ctype}){extra}}};\n')
        if block.name == 'DeviceID':
            o.append('static const struct csta_type type_device_target = {.name = "DeviceTarget", '
                     '.kind = CSTA_K_TARGET, .size = sizeof(struct csta_device_id), '
                     '.more = &type_device_id};\n')

    def basics(self):
        for name, (kind, ctype, low, high) in BASIC.items():
            if kind == 'TARGET':
                continue  # refers to DeviceID; see compound
            size = f'sizeof({ctype})' if ctype else '0'
            low = 'INT64_MIN' if low == -2**63 else low
            high = 'INT64_MAX' if high == 2**63 - 1 else high
            self.o.append(f'static const struct csta_type type_{snake(name)} = {{.name = {quote(name)}, '
                          f'.kind = CSTA_K_{kind}, .size = {size}, .min = {low}, .max = {high}}};')
        self.o.append('')

    def list_type(self, type_):
        item, in_place = type_.rstrip('*+'), type_[-1] == '+'
        name, _, base = item.rpartition(':')
        t = self.t
        ident = self.type_ref(type_)[1:]
        self.o.append(f'static const struct csta_field item_{ident}[] = {{')
        self.o.append(self.field(name, base, [], 0))
        self.o.append('};')
        self.o.append(f'static const struct csta_type {ident} = {{.name = {quote(base)}, .kind = CSTA_K_LIST, '
                      f'.size = sizeof(struct csta_{t.list_tag(type_)}_list), .field = item_{ident}, '
                      f'.nfield = 1, .item_size = sizeof({t.value_type(base)})}};\n')

    def order(self):
        """Every type after all that its descriptor names."""
        t, out, seen = self.t, [], set()

        def visit_type(type_):
            base = type_.rstrip('*+').split(':')[-1]
            if base in t.types:
                visit(t.types[base])
            if type_[-1] in '*+' and type_ not in seen:
                seen.add(type_)
                out.append(type_)

        def visit(block):
            if block.name in seen and block.form != 'message':
                return
            seen.add(block.name)
            for row in block.rows:
                if block.form not in ('enum', 'caps', 'xml'):
                    visit_type(row.type)
            out.append(block)
        for block in t.types.values():
            visit(block)
        for block in t.messages:
            visit(block)
        return out

    def messages(self):
        t, o = self.t, self.o
        o.append('const struct csta_msg_info csta_msg_infos[CSTA_MSG_COUNT] = {')
        ids = {m.name: t.msg_ids[m.name] for m in t.messages}
        for block in t.messages:
            body = self.type_ref(block.opts['body']) if 'body' in block.opts else \
                '&type_' + self.ident(block)
            answer = ids.get(block.name + 'Response', 'CSTA_MSG_NONE')
            since = next((f'CSTA_{k.upper()}' for k in ('ed6', 'ed4') if k in block.opts), 'CSTA_EDITION_NONE')
            o.append(f'    [{t.msg_ids[block.name]}] = {{STR_INIT({quote(block.name)}), '
                     f'CSTA_ROLE_{block.role.upper()}, {"true" if "supported" in block.opts else "false"}, '
                     f'{since}, {answer}, {body}}},')
        for name, _ in t.names:
            o.append(f'    [{t.msg_ids[name]}] = {{STR_INIT({quote(name)}), CSTA_ROLE_{role_of(name)}, '
                     f'false, CSTA_EDITION_NONE, CSTA_MSG_NONE, NULL}},')
        o += ['};', '']
        names = [(len(n), n, t.msg_ids[b.name]) for n, b in t.roots.items()]
        names += [(len(n), n, t.msg_ids[n]) for n, _ in t.names]
        o.append('const struct csta_name csta_roots[] = {')
        o += [f'    {{{quote(n)}, {l}, {i}}},' for l, n, i in sorted(names)]
        o += ['};', f'const size_t csta_nroot = {len(names)};',
              'static const uint16_t profile_messages[][64] = {']
        for p in t.profiles:
            ids = ', '.join(t.msg_ids[m] for m in profile_messages(t, p))
            o.append(f'    {{{ids}}},')
        o += ['};', 'bool csta_profile_is_whole(enum csta_profile profile)\n{',
              '    const uint16_t *id = profile_messages[profile];',
              '    while (*id != CSTA_MSG_NONE && csta_msg_infos[*id].supported) {',
              '        id++;', '    }', '    return *id == CSTA_MSG_NONE;', '}',
              'const struct csta_type *const csta_type_supported_services = &type_supported_services;',
              'const struct csta_type *const csta_type_supported_events = &type_supported_events;', '']

    def write(self):
        self.o += [HEAD, '#include "csta/table.h"', '']
        self.basics()
        for item in self.order():
            if isinstance(item, str):
                self.list_type(item)
            elif item.form == 'enum':
                self.enum(item)
            elif item.form == 'caps':
                self.caps(item)
            else:
                self.compound(item)
        self.messages()
        return '\n'.join(self.o)


def profile_messages(t, profile):
    """All of it, with those of the profiles that it builds on."""
    base = [p for p in t.profiles if p.name == profile.opts.get('of')]
    return (profile_messages(t, base[0]) if base else []) + [row.name for row in profile.rows]


def role_of(name):
    if name.endswith('Response'):
        return 'RESPONSE'
    return 'EVENT' if name.endswith('Event') else 'REQUEST'


def test_of(root, line, name):
    """The link to a test, which has to be there."""
    file, _, test = name.partition(':')
    folder, _, stem = file.partition('/')
    path = f'tests/{folder}/test_{"flow_" if folder == "flow" else ""}{stem}.c'
    try:
        with open(os.path.join(root, path), encoding='utf-8') as source:
            found = re.search(rf'^static void {test}\(void\)', source.read(), re.M)
    except OSError:
        found = None
    if not found:
        fail(line, f'there is no {test} in {path}')
    return f'[{test}](../{path})'


def tests_of(t, root):
    """Of each message: {driver or '': link}. All that is served has to be shown."""
    shown = {}
    for block in t.shown:
        for row in block.rows:
            shown.setdefault(row.name, {}).setdefault(block.name, test_of(root, row.line, row.type))
    for m in t.messages:
        wanted = [d.name for d in t.drivers if m.name in [r.name for r in d.rows]] or ['']
        for driver in wanted:
            if 'supported' in m.opts and m.role != 'response' and driver not in shown.get(m.name, {}):
                fail(m.line, f'no test shows {m.name}{" by the " + driver if driver else ""}')
    return shown


def write_coverage(t, root):
    tests = tests_of(t, root)
    served = {m.name for m in t.messages if 'supported' in m.opts}
    known = {m.name for m in t.messages}
    requests = sorted((m for m in t.messages if m.role == 'request'), key=lambda m: m.name)
    events = sorted((m for m in t.messages if m.role == 'event'), key=lambda m: m.name)

    def state(name):
        return 'yes' if name in served else 'read and written' if name in known else 'known by name'

    def profiles(name):
        return ', '.join(p.name for p in t.profiles if name in [r.name for r in p.rows]) or '-'

    def driver(name):
        mine = [d.title for d in t.drivers if name in [r.name for r in d.rows]]
        return ', '.join(mine) or '-'

    def proof(name):
        links = tests.get(name, {})
        return ', '.join((d + ': ' if d else '') + link for d, link in links.items()) or '-'

    o = ['# Coverage of CSTA (ECMA-323)', '',
         '<!-- Made by gen/gen_csta.py from gen/csta.txt; change the table, not this file. -->', '',
         f'Baton knows {len(t.messages) + len(t.names)} root elements: {len(t.messages)} are read and written in '
         f'full, {len(t.names)} are',
         'known by name and refused with `operation/serviceNotSupported`. '
         f'Of the services and events, {len(served)} are served.', '',
         '"yes": the server serves or sends it and announces it in GetCSTAFeatures. "read and written": '
         'the message', 'is understood, a request is refused.', '',
         'Driver: who carries it out on a device. The *switch* does it with calls that Baton bridges and with what it '
         'keeps of a',
         'device, the *phone* by asking the phone itself: for calls that live on it, for its switches, its speaker and so on;',
         '"-": nobody has to, or events come from whoever knows.', '',
         'Shown by: a test that fails without it, with each driver. `test_foreign_states`, `test_foreign_pairs` and those of',
         '[test_flow_pairs.c](../tests/flow/test_flow_pairs.c) go through all services in all states.', '',
         '## Profiles (TR/87)', '',
         'A profile is claimed in GetSwitchingFunctionCaps when all of it is served, by this very table.', '',
         '| profile | name in this table | served | missing |', '|---|---|---|---|']
    for p in t.profiles:
        parts = profile_messages(t, p)
        lacking = [name for name in parts if name not in served]
        o.append(f'| {p.title} | {p.name} | {len(parts) - len(lacking)} of {len(parts)}'
                 f'{"" if lacking else ": claimed"} | {", ".join(lacking) or "-"} |')
    o += ['', '## Services', '', '| service | served | answer | profile | driver | shown by |', '|---|---|---|---|---|---|']
    for m in requests:
        answer = m.name + 'Response'
        o.append(f'| {m.name} | {state(m.name)} | {answer if answer in known else "-"} | {profiles(m.name)} '
                 f'| {driver(m.name)} | {proof(m.name)} |')
    o += ['', '## Events', '', '| event | sent | profile | driver | shown by |', '|---|---|---|---|---|']
    o += [f'| {m.name} | {state(m.name)} | {profiles(m.name)} | {driver(m.name)} | {proof(m.name)} |' for m in events]
    o += ['', '## Known by name', '']
    o += ['- ' + n for n, _ in t.names if role_of(n) != 'RESPONSE']
    return '\n'.join(o) + '\n'


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    table = Table(sys.argv[1])
    what, path = sys.argv[2:]
    root = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[1])))
    text = {'header': lambda: write_header(table), 'source': lambda: Source(table).write(),
            'coverage': lambda: write_coverage(table, root),
            'check': lambda: write_coverage(table, root)}[what]()
    if what == 'check':
        with open(path, encoding='utf-8') as file:
            if file.read() != text:
                sys.exit(f'{path} is not what the table says; run gen_csta.py TABLE coverage {path}')
        return
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


if __name__ == '__main__':
    main()
