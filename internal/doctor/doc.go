// Package doctor examines the devices of a kiosk for a technician who stands in
// front of it: what is there, what works, how long it takes, what is wrong and
// what to do about it. It knows cards and their readers, the slip printer, and status
// lights.
//
// # Two parts
//
// One part talks to devices and collects facts; see [Await] and [ExamineCards].
// The other is pure: facts in, a [Report] out; see [CardFacts.Report]. Another
// device is another kind of facts with the same kind of report.
//
//	sights, err := doctor.Await(ctx, wait, look)           // before the driver runs
//	facts := doctor.ExamineCards(ctx, doctor.CardOptions{…}) // the driver runs
//	facts.Report(setup).Text(stdout)
//
// # Cards
//
// The daemon's own driver and dialogues are used, so what works here works
// there. No PIN is asked for or sent: reading the counter costs no try, and a
// connection that would carry a PIN refuses it. A card that is read is held like
// in a visit: a shopper's visit waits meanwhile.
//
// Neither name, number nor hash of a certificate is kept, printed or put into the
// report, and of the number of a WAON card only the last four digits.
//
// # The printer
//
// The daemon's own driver is used, and a test slip goes the way of every slip; see
// [ExaminePrinter]. A printer belongs to one program at a time: a daemon that runs has to
// be stopped for it. What a printer says of itself is made fit for a terminal.
//
// # Lights
//
// The daemon's own drivers are used here too. Every signal is shown for two seconds,
// with a line that names it and what shines; see [ExamineLights]. Lines of a GPIO chip
// belong to one program at a time: a daemon that runs has to be stopped for it.
//
// # The report as JSON
//
// [Report.JSON] writes one object. Keys are only ever added, and values of the
// enumerations below too.
//
//	device     "card", "printer" or "lights"
//	ok         everything is in order: nothing among the findings is wrong
//	findings[] what is wrong or worth knowing, the worst first
//	  severity   "wrong" (ok is false) or "note"
//	  code       the fault code of docs/OPERATIONS.md, where there is one
//	  reader     name of the reader, where it is about one
//	  step       name of the step that failed, where it is about one
//	  light      role of the light, or "button", where it is about one
//	  wrong      what is wrong
//	  remedy     what to do
//	  cause      what the device or the driver said, for whoever helps
//	card       facts, for device "card"
//	  service    {running, libpcsclite}
//	  readers[]  {name, my_number, waon, not_served, lies}
//	    not_served  why no card is looked for there: "pattern" (none fits its name)
//	                or "sam" (a slot for security modules); absent where it is served
//	    lies        "nothing", "silent", "taken" (another program holds it), "felica", "iso"
//	  cards[]    one for each card that was examined
//	    reader, tech ("felica", "iso", "unknown"), kind ("my_number", "android", "iphone"; absent: none of these)
//	    readable    it was read to the end and nothing was wrong with it
//	    steps[]     {name, ok, ms, exchanges, bytes_out, bytes_in}, in their order
//	                exchanges are commands to card or reader with their answers
//	      name        "connect", "identify", "certificate", "pin_counter", "waon_number"
//	    certificate {size, key, not_before, not_after, issuer}, absent where it is not readable
//	      issuer      "configured", "unknown" or "not_checked" (no roots are configured)
//	    tries_left  of the PIN; absent where it was not read
//	    waon        {strategy, service, number, tried[]}, absent on other cards
//	      tried[]     {strategy, said}: ways that were tried before, or in vain
//	printer    facts, for device "printer"; absent where there is nothing to examine
//	  line       {kind, name, reached, problem, cause, hint}
//	    kind        "usb", "tcp", "serial"
//	    reached     the printer can be talked to
//	    problem     "absent", "busy", "denied", "refused", "unsuitable", "ended", "stalled",
//	                "mute" (it takes data but answers nothing), "failed"; absent if reached
//	  usb[]      {path, state, maker, model, commands[], port}: the USB printers of this
//	             machine, where the line is one
//	    state       "free", or a problem as above
//	    port        {paper_out, selected, failed}; absent where it was not told
//	  condition  "ready", "near_end", "paper_out", "cover_open", "cutter", "head_hot",
//	             "offline", "unplugged", "unknown" (it does not answer)
//	  identity   {maker, model, firmware, charset, paper_mm}: what it says of itself
//	  profile    {name, properties[]}; absent while it is not known: a printer that cannot
//	             print is not asked
//	    properties[] {name, value, from}, as docs/HARDWARE.md explains them
//	      name        "language", "dots", "buffer", "status", "paced", "completion", "clear",
//	                  "cutter", "qr", "kanji", "text"
//	      from        "found" (the printer has shown or said it), "table" (known by its
//	                  name), "configured", "assumed"
//	  slips      {confirmed, drawn, qr, cut}: what that means; absent like profile
//	    qr          who draws QR codes: "printer", "kioskd"
//	  steps[]    as above, exchanges is 0; name: "reach", "ask", "test_slip"
//	  test       {outcome, came_out}; absent where none was printed
//	    outcome     "printed", "unconfirmed", "failed", "unknown", "expired"
//	    came_out    "yes", "no"; absent where nobody has answered
//	lights     facts, for device "lights"
//	  lights[]   {role, driver, state, parts[]}, one for each that is configured
//	    role        "tower", "reader", "mouth"
//	    driver      "gpio", "led", "card-reader"
//	    state       the worst of its parts'
//	    parts[]     {element, name, state, cause, hint}; no element: a whole card reader
//	      element     "red", "green", "blue", "amber", "white"
//	      name        of the line, LED or reader
//	      state       "ready", "absent", "failed", "waiting" (it has not answered)
//	  button     {line, state, cause, hint}; absent where none is configured
//	  shown[]    names of the signals that were shown
//
// ms is milliseconds with one decimal, times are RFC 3339 in UTC.
package doctor
