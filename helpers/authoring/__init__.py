"""For authors and instructors: run, check and lock the course's files.

python -m helpers.authoring execute notebooks/02_thinking_at_scale.ipynb
python -m helpers.authoring check
python -m helpers.authoring labs
python -m helpers.authoring lock

Learners need nothing in here.
"""
