"""The pages: straight scripts in section folders; a script directly in here would be served without
app.py.
"""
