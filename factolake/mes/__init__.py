"""FactoMES, the system of record: a Django project, one app a noun; `sync` is its door to the lake.

Other packages import only `sync` and `project`.
"""
