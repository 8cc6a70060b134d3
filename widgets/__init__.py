"""The faces of ringtop: what a user sees of the engine. They import ``engine.model`` and each other, nothing live.

    canvas text          a clipped grid of cells; text from strangers made safe        import nothing
    prompt figures ui    values: the line being typed, numbers as words, the screen's state
    parts                pieces of panes: heading, grid of labels and values
    calls meter counters rtcp graph call log welcome title footer help      draw(canvas, rect, scene)
    layout               which widget sits where: a new pane is one new file and one line there
    dashboard compact    which panes fit; the phone in one line
    theme screen         style names into colours; the one file with curses
    plain jsonlines      the faces without a screen

Nothing is imported here, so that a face without a screen starts without the panes.
"""
