/*
 * One code, spelled as people and programs spell it (L17).
 */
#ifndef KH_TESTS_CODE_SPELLINGS_H
#define KH_TESTS_CODE_SPELLINGS_H

#define RLM "\xe2\x80\x8f"
#define LRM "\xe2\x80\x8e"
#define RLE "\xe2\x80\xab"
#define PDF "\xe2\x80\xac"
#define RLI "\xe2\x81\xa7"
#define FSI "\xe2\x81\xa8"
#define PDI "\xe2\x81\xa9"
#define ALM "\xd8\x9c"
#define ZWSP "\xe2\x80\x8b"
#define ZWNJ "\xe2\x80\x8c"
#define BOM "\xef\xbb\xbf"
#define NBSP "\xc2\xa0"
#define IDEO "\xe3\x80\x80"
#define SHY "\xc2\xad"

static const char *const word_spellings[] = {
    "ABACUS ABDOMEN ZOOM CONE OUTSPOKEN DROP-DOWN T-SHIRT AFFIX",
    "Abacus Abdomen Zoom Cone Outspoken Drop-Down T-Shirt Affix",
    "  abacus  abdomen\tzoom   cone outspoken drop-down t-shirt affix  ",
    "abacus\nabdomen\nzoom\ncone\noutspoken\ndrop-down\nt-shirt\naffix\n",
    "abacus\r\nabdomen\r\nzoom\r\ncone\r\noutspoken\r\ndrop-down\r\nt-shirt"
    "\r\naffix\r\n",
    "abacus-abdomen-zoom-cone-outspoken-drop-down-t-shirt-affix",
    "abacus\xe2\x80\x90"
    "abdomen\xe2\x80\x91zoom\xe2\x80\x92"
    "cone"
    "\xe2\x80\x93outspoken\xe2\x80\x94"
    "drop\xe2\x80\x94"
    "down\xe2\x88\x92"
    "t\xe2\x80\x91shirt\xe2\x80\x95"
    "affix",
    "abacus, abdomen, zoom, cone, outspoken, drop-down, t-shirt, affix",
    "abacus,abdomen,zoom,cone,outspoken,drop-down,t-shirt,affix.",
    "abacus; abdomen; zoom; cone; outspoken; drop-down; t-shirt; affix",
    "abacus/abdomen/zoom/cone/outspoken/drop-down/t-shirt/affix",
    "abacus.abdomen.zoom.cone.outspoken.drop-down.t-shirt.affix",
    "abacus_abdomen_zoom_cone_outspoken_drop_down_t_shirt_affix",
    "abacus | abdomen | zoom | cone | outspoken | drop-down | t-shirt | affix",
    "1. abacus 2. abdomen 3. zoom 4. cone 5. outspoken 6. drop-down "
    "7. t-shirt 8. affix",
    "1) abacus\n2) abdomen\n3) zoom\n4) cone\n5) outspoken\n6) drop-down\n"
    "7) t-shirt\n8) affix",
    "1: abacus, 2: abdomen, 3: zoom, 4: cone, 5: outspoken, 6: drop-down, "
    "7: t-shirt, 8: affix",
    "(1) abacus (2) abdomen (3) zoom (4) cone (5) outspoken (6) drop-down "
    "(7) t-shirt (8) affix",
    "1abacus2abdomen3zoom4cone5outspoken6drop-down7t-shirt8affix",
    "\xe2\x91\xa0 abacus \xe2\x91\xa1 abdomen \xe2\x91\xa2 zoom \xe2\x91\xa3 "
    "cone \xe2\x91\xa4 outspoken \xe2\x91\xa5 drop-down \xe2\x91\xa6 t-shirt "
    "\xe2\x91\xa7 affix",
    "- abacus\n- abdomen\n* zoom\n* cone\n\xe2\x80\xa2 outspoken\n"
    "\xe2\x80\xa2 drop-down\n> t-shirt\n> affix",
    "\"abacus abdomen zoom cone outspoken drop-down t-shirt affix\"",
    "\xe2\x80\x9c"
    "abacus abdomen zoom cone outspoken drop-down t-shirt "
    "affix\xe2\x80\x9d",
    /* hyphens lost, and words run together or torn */
    "abacus abdomen zoom cone outspoken dropdown tshirt affix",
    "abacus abdomen zoom cone outspoken drop down t shirt affix",
    "abacusabdomenzoomconeoutspokendrop-downt-shirtaffix",
    "AbacusAbdomenZoomConeOutspokenDropdownTshirtAffix",
    "abacus abdo-\nmen zoom cone out-\nspoken drop-\ndown t-shirt affix",
    "abacus abdomenzoom cone outspoken drop-down t-shirtaffix",
    /* blanks of all kinds */
    "abacus" NBSP "abdomen" NBSP "zoom" NBSP "cone" NBSP "outspoken" NBSP
    "drop-down" NBSP "t-shirt" NBSP "affix",
    "abacus" IDEO "abdomen" IDEO "zoom" IDEO "cone\xe2\x80\xaf"
    "outspoken"
    "\xe2\x80\x89"
    "drop-down\xe2\x80\x83t-shirt\xe2\x80\xa8"
    "affix"
    "\xe2\x80\xa9",
    /* invisible things */
    BOM "abacus abdomen zoom cone outspoken drop-down t-shirt affix",
    "aba" SHY "cus abdo" SHY "men zoom cone out" SHY "spoken drop-down "
    "t-shirt affix",
    "abacus" ZWSP "abdomen" ZWSP "zoom" ZWSP "cone" ZWSP "outspoken" ZWSP
    "drop-down" ZWSP "t-shirt" ZWSP "affix",
    "a" ZWNJ "bacus abdomen zo" ZWSP "om cone outspoken drop-down t-shirt "
    "affix",
    "aba\xcd\x8f"
    "cus abdomen zoom cone outspoken drop-down t-shirt affix",
    /* pasted out of a right-to-left text */
    RLM "abacus" RLM " " RLM "abdomen" RLM " " LRM "zoom" LRM " cone "
	"outspoken drop" LRM "-down t-shirt affix" RLM,
    RLE "abacus abdomen zoom cone outspoken drop-down t-shirt affix" PDF,
    RLI FSI "abacus" PDI " " FSI "abdomen" PDI " " FSI "zoom" PDI " " FSI
	    "cone" PDI " " FSI "outspoken" PDI " " FSI "drop-down" PDI " " FSI
	    "t-shirt" PDI " " FSI "affix" PDI PDI,
    ALM "abacus\xd8\x8c abdomen\xd8\x8c zoom\xd8\x8c cone\xd8\x8c outspoken"
	"\xd8\x8c drop-down\xd8\x8c t-shirt\xd8\x8c affix",
    "\xd9\xa1. abacus \xd9\xa2. abdomen \xd9\xa3. zoom \xd9\xa4. cone "
    "\xd9\xa5. outspoken \xd9\xa6. drop-down \xd9\xa7. t-shirt \xd9\xa8. "
    "affix",
    RLM "\xdb\xb1) abacus\n" RLM "\xdb\xb2) abdomen\n" RLM
	"\xdb\xb3) zoom\n" RLM "\xdb\xb4) cone\n" RLM
	"\xdb\xb5) outspoken\n" RLM "\xdb\xb6) "
	"drop-down\n" RLM "\xdb\xb7) t-shirt\n" RLM "\xdb\xb8) affix\n",
    "abacus abdomen zoom cone outspoken drop\xd6\xbe"
    "down t\xd6\xbeshirt "
    "affix",
    /* keyboards and fonts */
    "\xef\xbd\x81\xef\xbd\x82\xef\xbd\x81\xef\xbd\x83\xef\xbd\x95\xef\xbd\x93"
    " abdomen \xef\xbc\xba\xef\xbc\xaf\xef\xbc\xaf\xef\xbc\xad cone outspoken "
    "drop\xef\xbc\x8d"
    "down t-shirt\xef\xbc\x8c"
    "affix",
    "abacus abdomen zoom cone outspoken drop-down t-sh\xc4\xb1rt "
    "a\xef\xac\x83x",
    "ABACUS ABDOMEN ZOOM CONE OUTSPOKEN DROP-DOWN T-SH\xc4\xb0RT AFF\xc4\xb0X",
    "ab\xc3\xa1"
    "cus abdomen zoom cone outspoken drop-down t-shirt affix",
    /* the whole receipt, digits after the words */
    "abacus abdomen zoom cone outspoken drop-down t-shirt affix\n\n"
    "00000 00056 85750 03709 80273 90328\n",
};

static const char *const digit_spellings[] = {
    "000000005685750037098027390328",
    "00000-00056-85750-03709-80273-90328",
    "00000 00056\n85750 03709\n80273 90328\n",
    "00000" NBSP "00056" NBSP "85750" NBSP "03709" NBSP "80273" NBSP "90328",
    "00000, 00056, 85750, 03709, 80273, 90328.",
    "0 0 0 0 0 0 0 0 5 6 8 5 7 5 0 0 3 7 0 9 8 0 2 7 3 9 0 3 2 8",
    RLM "00000" LRM " 00056 85750 03709 80273 90328" RLM,
    "\xd9\xa0\xd9\xa0\xd9\xa0\xd9\xa0\xd9\xa0 \xd9\xa0\xd9\xa0\xd9\xa0\xd9\xa5"
    "\xd9\xa6 \xd9\xa8\xd9\xa5\xd9\xa7\xd9\xa5\xd9\xa0 \xd9\xa0\xd9\xa3\xd9\xa7"
    "\xd9\xa0\xd9\xa9 \xd9\xa8\xd9\xa0\xd9\xa2\xd9\xa7\xd9\xa3 \xd9\xa9\xd9\xa0"
    "\xd9\xa3\xd9\xa2\xd9\xa8",
    ALM "\xdb\xb0\xdb\xb0\xdb\xb0\xdb\xb0\xdb\xb0 \xdb\xb0\xdb\xb0\xdb\xb0"
	"\xdb\xb5\xdb\xb6 \xdb\xb8\xdb\xb5\xdb\xb7\xdb\xb5\xdb\xb0 03709 80273 "
	"90328",
    "\xef\xbc\x90\xef\xbc\x90\xef\xbc\x90\xef\xbc\x90\xef\xbc\x90" IDEO
    "00056" IDEO "85750" IDEO "03709" IDEO "80273" IDEO "90328",
    "(00000) [00056] 85750/03709/80273/90328",
    "1. 00000 2. 00056 3. 85750 4. 03709 5. 80273 6. 90328",
    "1) 00000\n2) 00056\n3) 85750\n4) 03709\n5) 80273\n6) 90328\n",
    "\xd9\xa1. 00000\n\xd9\xa2. 00056\n\xd9\xa3. 85750\n"
    "\xd9\xa4. 03709\n\xd9\xa5. 80273\n\xd9\xa6. 90328",
    "0 00000 00568 57500 3 70980 27390 328",
    "00000\xe2\x80\x93"
    "00056\xe2\x80\x94"
    "85750\xe2\x88\x92"
    "03709" ZWSP "80273" BOM "90328",
};

#endif
