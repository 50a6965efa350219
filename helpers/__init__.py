"""Everything behind the notebooks: one folder per chapter, the same rooms in each.

``explore`` is the interactive layer, ``foundations`` is what every chapter stands on, and each
chapter's folder holds ``simulation``, ``theory``, ``measurement`` and ``plots``. CONTRIBUTING.md
has the map.
"""
