"""For authors and instructors: run, check and lock the course's files; grade what students hand in.

python -m helpers.authoring execute notebooks/02_thinking_at_scale.ipynb
python -m helpers.authoring check
python -m helpers.authoring labs
python -m helpers.authoring lock
python -m helpers.authoring students ../system-design-students
python -m helpers.authoring grade submitted --lab lab02

Learners need nothing in here.
"""
