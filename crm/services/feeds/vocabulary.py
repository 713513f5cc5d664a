"""What columns are called in files that no map is for. All words are folded: lower case, letters and digits only."""

PROJECT = {
    "project_id": "projectid projectnumber projectno permitnumber permitno permitnum permitid permit jobnumber jobno "
    "jobid casenumber caseno caseid applicationnumber applicationno applicationid filenumber recordnumber dealid "
    "eventid bidnumber bidid tendernumber opportunityid proyecto",
    "name": "projectname projecttitle dealname eventname jobname opportunityname bidtitle tendertitle project",
    "kind": "permittype permittypedesc permittypedescription projecttype worktype jobtype eventtype category "
    "permitclass type",
    "status": "status permitstatus projectstatus jobstatus currentstatus statuscurrent",
    "stage": "stage projectstage dealstage phase",
    "description": "description workdescription projectdescription jobdescription scopeofwork scope purpose details",
    "value": "value valuation jobvalue projectvalue jobvaluation totaljobvaluation estimatedcost estimatedvalue "
    "estprojectcost estconstcost constructioncost constructionvalue initialcost cost jobcost amount contractvalue "
    "declaredvaluation",
    "street": "projectaddress siteaddress propertyaddress jobaddress permitlocation joblocation worklocation "
    "locationaddress originaladdress1",
    "city": "projectcity sitecity propertycity jobcity originalcity",
    "region": "projectstate sitestate propertystate jobstate originalstate",
    "postal_code": "originalzip projectzip sitezip propertyzip jobzip projectzipcode sitezipcode",
    "bid_on": "biddate bidon biddue bidduedate closedate closingdate tenderdate duedate",
    "starts_on": "startdate startson issuedate issueddate dateissued issuedon issued permitissuedate constructionstart",
    "event_on": "eventdate eventon dateofevent showdate",
    "call_suppressed": "callsuppressed",
    "suppressed_reason": "suppressedreason callsuppressedreason",
    "next_call_eligible_at": "nextcalleligibleat",
    "source_url": "projecturl permiturl sourceurl link detailurl",
}
PROJECT_ENDINGS = ("permitnumber", "permitno", "permitnum", "permit", "projectnumber", "projectid", "jobnumber")
# Without a project these describe whoever the row names, with one they describe the project.
SHARED = {
    "street": "address street streetaddress address1 addressline1 mailingaddress location locationstreet addr strasse "
    "direccion adresse",
    "city": "city town municipality ort ciudad ville locality",
    "region": "state region province stateprovince stateregion st bundesland provincia",
    "postal_code": "zip zipcode postalcode postcode zippostalcode plz codigopostal",
    "country": "country countryregion land pais pays countrycode",
}
PARTY = {
    "contact_id": "contactid externalcontactid externalid personid",
    "record_id": "id recordid leadid rowid userid customerid uid uuid guid",
    "name": "name fullname contactname contact displayname personname leadname completename nombrecompleto kontakt",
    "first_name": "firstname givenname forename fname first vorname prenom nombre nombres",
    "middle_name": "middlename middleinitial mi middle",
    "last_name": "lastname surname familyname lname last nachname nom apellido apellidos",
    "title": "title jobtitle position occupation roletitle designation cargo titel funktion",
    "seniority": "seniority senioritylevel",
    "department": "department departments dept abteilung",
    "time_zone": "timezone tz",
    "do_not_call": "donotcall dnc nocall donotphone calloptout phoneoptout",
    "do_not_email": "donotemail emailoptout unsubscribed optedoutofemail hasoptedoutofemail noemail",
    "do_not_text": "donottext donotsms smsoptout textoptout nosms",
    "do_not_contact": "optout optedout hasoptedout donotcontact nocontact suppressed suppress",
    "priority": "priority",
    "preferred_channel": "preferredchannel preferredcontactmethod preferredcontactchannel",
    "conversion_probability": "conversionprobability",
    "lead_score": "leadscore score",
    "lifecycle_status": "lifecyclestatus lifecycle",
    "consent_given": "consentgiven consent hasconsent consented",
    "consent_on": "consenton consentat consentdate dateofconsent consentgivenat consentgivenon",
    "owner": "contactowner",
    "suppress_for_project": "suppressforproject",
    "suppress_reason": "suppressreason",
    "is_primary": "isprimary",
    "pair_priority": "pairpriority",
    "role": "role roles contacttype partytype relationship contactrole",
}
COMPANY = {
    "name": "company companyname organization organisation organizationname business businessname employer account "
    "accountname firm firmname vendorname vendor facility facilityname restaurantname schoolname sitename storename "
    "firma empresa societe entreprise corporationname legalname",
    "website": "website web url homepage webpage websiteurl companywebsite companyurl domain companydomain site",
    "industry": "industry sector branche companyindustry",
    "employees": "employees noofemployees numberofemployees employeecount headcount companysize companyemployees",
    "revenue": "revenue annualrevenue companyrevenue sales",
    "technologies": "technologies companytechnologies",
    "keywords": "keywords companykeywords",
    "phone": "companyphone companymainphone",
}
PHONES = {
    "mobile": "mobile mobilephone cell cellphone mobilenumber cellnumber mobileno handy movil celular",
    "direct": "directphone directdial workdirectphone directline",
    "work": "phone phonenumber telephone tel phoneno telephonenumber workphone officephone businessphone phone1 "
    "primaryphone mainphone contactphone dayphone daytimephone phonework contactnumber telefon telefono telefone",
    "home": "homephone phonehome eveningphone",
    "other": "phone2 phone3 otherphone altphone alternatephone secondaryphone phonealt",
}
EMAILS = {
    "work": "email emailaddress mail emailid primaryemail workemail contactemail businessemail email1 correo "
    "correoelectronico emailadresse courriel",
    "other": "email2 email3 secondaryemail personalemail otheremail alternateemail",
}
PROFILES = {
    "linkedin": "linkedin linkedinurl personlinkedinurl linkedinprofile",
    "twitter": "twitter twitterurl twitterhandle",
    "facebook": "facebook facebookurl",
    "github": "github githuburl",
    "profile": "profile profileurl profilelink",
}
# In front of a name, phone or e-mail they say in which role somebody takes part.
ROLES = (
    *("generalcontractor", "subcontractor", "contractor", "propertyowner", "owner", "applicant", "architect"),
    *("engineer", "developer", "builder", "permittee", "designer", "agent", "tenant", "buyer", "seller", "client"),
    *("customer", "organizer", "planner", "manager", "licensee", "representative", "contact"),
)
ROLE_WORDS = {"generalcontractor": "general_contractor", "propertyowner": "property_owner"}
