# SPDX-License-Identifier: GPL-2.0-only
# cmake -DIN=FILE.ops -DOUT=FILE.c -DNAME=SYMBOL -P embed.cmake: the file as a string of C, so that an installed program
# needs no folder of its own.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
file(WRITE ${OUT} "extern const char ${NAME}[];\nconst char ${NAME}[] = {\n${bytes}0};\n")
