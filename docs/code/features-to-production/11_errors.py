errors = tg.find_errors(model, splits.valid)
print("Highest losses")
for row in errors.highest[:8]:
    print(
        f"{row.loss:6.2f}  {row.given[0]:>8} | {row.predicted[0]:<8}  {row.text[:60]}"
    )
print("Lowest losses")
for row in errors.lowest[:4]:
    print(
        f"{row.loss:6.4f}  {row.given[0]:>8} | {row.predicted[0]:<8}  {row.text[:60]}"
    )
